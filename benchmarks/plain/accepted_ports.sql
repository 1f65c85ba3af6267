SELECT
    sums.port,
    sums.protocol,
    services.name AS service,
    sums.* EXCLUDE (port, protocol)
FROM (
    SELECT
        dstport AS port,
        protocol,
        count(DISTINCT interface_id) AS interfaces,
        count(DISTINCT srcaddr) AS sources,
        count(DISTINCT dstaddr) AS targets,
        count(*) AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND action = 'ACCEPT'
        AND dstport BETWEEN 0 AND 1023
        AND protocol IN (6, 17, 33, 132, 136)
        AND flow_direction = 'ingress'
        AND CASE tcp_flags & 18 WHEN 18 THEN false WHEN 2 THEN true ELSE srcport >= dstport END
    GROUP BY dstport, protocol
) AS sums
LEFT JOIN services ON sums.port = services.port AND sums.protocol = services.protocol
ORDER BY sums.port, sums.protocol
LIMIT 100;
