SELECT
    interface_id,
    protocol,
    srcaddr,
    CASE WHEN srcport NOT BETWEEN 32768 AND 61000 THEN srcport END AS service_srcport,
    dstaddr,
    CASE WHEN dstport NOT BETWEEN 32768 AND 61000 THEN dstport END AS service_dstport,
    action,
    count(*) AS flows,
    sum(packets) AS all_packets,
    sum(bytes) AS all_bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE log_status = 'OK'
GROUP BY interface_id, protocol, srcaddr, service_srcport, dstaddr, service_dstport, action
ORDER BY all_bytes DESC, flows DESC, interface_id, protocol, srcaddr, service_srcport, dstaddr, service_dstport, action
LIMIT 100;
