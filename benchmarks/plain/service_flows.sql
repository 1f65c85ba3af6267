SELECT
    interface_id,
    protocol,
    srcaddr,
    CASE WHEN srcport NOT BETWEEN 32768 AND 61000 THEN srcport END AS srcport,
    dstaddr,
    CASE WHEN dstport NOT BETWEEN 32768 AND 61000 THEN dstport END AS dstport,
    action,
    count(*) AS flows,
    sum(packets)::BIGINT AS packets,
    sum(bytes)::BIGINT AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE log_status = 'OK'
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY bytes DESC, flows DESC, 1, 2, 3, 4, 5, 6, 7
LIMIT 100;
