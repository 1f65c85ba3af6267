SELECT
    sums.dstport,
    sums.protocol,
    name AS service,
    sums.* EXCLUDE (dstport, protocol)
FROM (
    SELECT
        dstport,
        protocol,
        count(*) AS attempts,
        count(DISTINCT srcaddr) AS sources,
        count(DISTINCT dstaddr) AS targets,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND action = 'REJECT'
    GROUP BY dstport, protocol
    ORDER BY attempts DESC, dstport, protocol
    LIMIT 10
) AS sums
LEFT JOIN services ON dstport = port AND sums.protocol = services.protocol
ORDER BY attempts DESC, dstport, sums.protocol;
