SELECT
    start_time,
    end_time,
    dayname(start_time) AS day_of_week,
    interface_id,
    srcaddr,
    srcport,
    dstaddr,
    dstport,
    protocol,
    packets,
    bytes
FROM flows
WHERE log_status = 'OK'
    AND action = 'REJECT'
ORDER BY
    start_time DESC, end_time DESC, interface_id, srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes
LIMIT 100;
