SELECT
    pairs.srcaddr,
    pairs.dstaddr,
    pairs.port,
    pairs.protocol,
    name AS service,
    flows,
    clear_bytes,
    coalesce(encrypted_bytes, 0) AS encrypted_bytes,
    coalesce(unknown_bytes, 0) AS unknown_bytes,
    round(clear_bytes / (clear_bytes + coalesce(encrypted_bytes, 0)), 6) AS clear_share,
    first_seen,
    last_seen
FROM (
    SELECT
        srcaddr,
        dstaddr,
        least(srcport, dstport) AS port,
        protocol,
        count(*) FILTER (encryption_status = 0) AS flows,
        sum(bytes) FILTER (encryption_status = 0)::BIGINT AS clear_bytes,
        sum(bytes) FILTER (encryption_status > 0)::BIGINT AS encrypted_bytes,
        sum(bytes) FILTER (encryption_status IS NULL)::BIGINT AS unknown_bytes,
        min(start_time) FILTER (encryption_status = 0) AS first_seen,
        max(start_time) FILTER (encryption_status = 0) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY 1, 2, 3, 4
    HAVING count(*) FILTER (encryption_status = 0) > 0
) AS pairs
LEFT JOIN services ON pairs.port = services.port AND pairs.protocol = services.protocol
ORDER BY clear_bytes DESC, flows DESC, pairs.srcaddr, pairs.dstaddr, pairs.port, pairs.protocol
LIMIT 100;
