SELECT
    sums.direction,
    sums.protocol,
    sums.port,
    services.name AS service,
    sums.action,
    flows,
    packets,
    bytes,
    first_seen,
    last_seen
FROM (
    SELECT
        direction,
        protocol,
        port,
        action,
        sum(flows)::BIGINT AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            CASE WHEN srcaddr = $a THEN 'a to b' ELSE 'b to a' END AS direction,
            protocol,
            least(srcport, dstport) AS port,
            action,
            max(flows) AS flows,
            max(packets) AS packets,
            max(bytes) AS bytes,
            min(first_seen) AS first_seen,
            max(last_seen) AS last_seen
        FROM (
            SELECT
                interface_id,
                srcaddr,
                dstaddr,
                srcport,
                dstport,
                protocol,
                action,
                count(*) AS flows,
                sum(packets) AS packets,
                sum(bytes) AS bytes,
                min(start_time) AS first_seen,
                max(start_time) AS last_seen
            FROM flows
            WHERE log_status = 'OK'
                AND ((srcaddr = $a AND dstaddr = $b) OR (srcaddr = $b AND dstaddr = $a))
            GROUP BY ALL
        )
        GROUP BY srcaddr, dstaddr, srcport, dstport, protocol, action
    )
    GROUP BY direction, protocol, port, action
) AS sums
LEFT JOIN services ON sums.port = services.port AND sums.protocol = services.protocol
ORDER BY bytes DESC, flows DESC, direction, sums.protocol, sums.port, action
LIMIT 100;
