WITH once AS (
    SELECT
        srcaddr,
        dstaddr,
        least(srcport, dstport) AS port,
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
            AND (srcaddr = $addr OR dstaddr = $addr)
        GROUP BY ALL
    )
    GROUP BY srcaddr, dstaddr, srcport, dstport, protocol, action
)

SELECT
    peer,
    coalesce(sum(flows) FILTER (is_in), 0)::BIGINT AS flows_in,
    coalesce(sum(flows) FILTER (NOT is_in), 0)::BIGINT AS flows_out,
    sum(packets) FILTER (is_in) AS packets_in,
    sum(packets) FILTER (NOT is_in) AS packets_out,
    sum(bytes) FILTER (is_in) AS bytes_in,
    sum(bytes) FILTER (NOT is_in) AS bytes_out,
    count(DISTINCT peer) AS peers,
    count(DISTINCT port) AS ports,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM (
    SELECT srcaddr AS peer, true AS is_in, *
    FROM once
    WHERE dstaddr = $addr
    UNION ALL
    SELECT dstaddr, false, *
    FROM once
    WHERE srcaddr = $addr
)
GROUP BY peer
ORDER BY coalesce(bytes_in, 0) + coalesce(bytes_out, 0) DESC, flows_in + flows_out DESC, peer
LIMIT 100;
