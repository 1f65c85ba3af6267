SELECT
    srcaddr,
    count(DISTINCT dstaddr) AS destinations,
    count(DISTINCT dstport) AS ports,
    count(*) AS flows,
    count(*) FILTER (action = 'REJECT') AS rejected,
    sum(packets)::BIGINT AS packets,
    sum(bytes)::BIGINT AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE log_status = 'OK'
    AND CASE
        WHEN tcp_flags & 18 = 2 THEN true
        WHEN tcp_flags & 18 = 18 THEN false
        WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
        WHEN srcport IN (SELECT port FROM services) <> dstport IN (SELECT port FROM services)
            THEN dstport IN (SELECT port FROM services)
        WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
    END
GROUP BY srcaddr
HAVING destinations >= 50 OR ports >= 20
ORDER BY destinations DESC, ports DESC, srcaddr
LIMIT 100;
