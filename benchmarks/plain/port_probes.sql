SELECT
    srcaddr,
    count(*) AS attempts,
    list_sort(list(DISTINCT dstport)) AS ports,
    count(DISTINCT dstaddr) AS targets,
    sum(packets)::BIGINT AS packets,
    sum(bytes)::BIGINT AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE log_status = 'OK'
    AND action = 'REJECT'
    AND dstport IN (22, 3389, 3306, 5432)
    AND coalesce(tcp_flags & 18 <> 18, true)
GROUP BY srcaddr
HAVING count(*) >= 100
ORDER BY attempts DESC, srcaddr
LIMIT 100;
