SELECT
    sums.direction,
    sums.action,
    sums.interface_id,
    sums.protocol,
    sums.port,
    services.name AS service,
    flows,
    packets,
    bytes,
    first_seen,
    last_seen
FROM (
    SELECT
        CASE WHEN is_request THEN 'request' ELSE 'answer' END AS direction,
        action,
        interface_id,
        protocol,
        CASE WHEN is_request THEN dstport ELSE srcport END AS port,
        count(*) AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM (
        SELECT
            *,
            srcaddr = $source AS is_request,
            CASE tcp_flags & 18 WHEN 18 THEN true WHEN 2 THEN false ELSE srcport < dstport END AS is_answer
        FROM flows
        WHERE log_status = 'OK'
            AND ((srcaddr = $source AND dstaddr = $target) OR (srcaddr = $target AND dstaddr = $source))
    )
    WHERE CASE WHEN is_request THEN NOT is_answer ELSE srcport = dstport OR is_answer END
    GROUP BY 1, 2, 3, 4, 5
) AS sums
LEFT JOIN services ON sums.port = services.port AND sums.protocol = services.protocol
ORDER BY direction DESC, action, interface_id, sums.protocol, sums.port
LIMIT 100;
