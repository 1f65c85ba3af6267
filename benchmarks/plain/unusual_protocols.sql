SELECT
    pairs.protocol,
    name,
    pairs.* EXCLUDE (protocol)
FROM (
    SELECT
        protocol,
        srcaddr,
        dstaddr,
        count(*) AS flows,
        count(*) FILTER (action = 'ACCEPT') AS accepted,
        count(*) FILTER (action = 'REJECT') AS rejected,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND protocol NOT IN (6, 17, 1, 58)
    GROUP BY ALL
) AS pairs
LEFT JOIN protocols ON pairs.protocol = protocols.protocol
ORDER BY bytes DESC, flows DESC, pairs.protocol, srcaddr, dstaddr
LIMIT 100;
