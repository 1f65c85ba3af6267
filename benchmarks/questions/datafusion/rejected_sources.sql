SELECT
    srcaddr,
    count(*) AS attempts,
    sum(packets) AS packets,
    sum(bytes) AS bytes,
    count(DISTINCT dstport) AS ports,
    count(DISTINCT dstaddr) AS targets,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE log_status = 'OK' AND action = 'REJECT'
GROUP BY srcaddr
ORDER BY attempts DESC, srcaddr
LIMIT 10;
