SELECT
    least(srcaddr, dstaddr) AS addr_a,
    greatest(srcaddr, dstaddr) AS addr_b,
    sum(bytes)::BIGINT AS bytes,
    coalesce(sum(bytes) FILTER (srcaddr <= dstaddr), 0)::BIGINT AS bytes_a_to_b,
    coalesce(sum(bytes) FILTER (srcaddr > dstaddr), 0)::BIGINT AS bytes_b_to_a,
    sum(packets)::BIGINT AS packets,
    count(DISTINCT (
        protocol,
        CASE WHEN srcaddr <= dstaddr THEN srcport ELSE dstport END,
        CASE WHEN srcaddr <= dstaddr THEN dstport ELSE srcport END
    )) AS connections,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM (
    SELECT
        srcaddr,
        srcport,
        dstaddr,
        dstport,
        protocol,
        max(packets) AS packets,
        max(bytes) AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            interface_id,
            pkt_srcaddr AS srcaddr,
            srcport,
            pkt_dstaddr AS dstaddr,
            dstport,
            protocol,
            sum(packets) AS packets,
            sum(bytes) AS bytes,
            min(start_time) AS first_seen,
            max(end_time) AS last_seen
        FROM flows
        WHERE log_status = 'OK'
        GROUP BY ALL
    )
    GROUP BY ALL
)
GROUP BY addr_a, addr_b
HAVING sum(bytes) > 1073741824
ORDER BY bytes DESC, addr_a, addr_b
LIMIT 100;
