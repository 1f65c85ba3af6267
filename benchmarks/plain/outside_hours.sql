SELECT
    srcaddr,
    dstaddr,
    flows,
    accepted,
    rejected,
    packets,
    bytes,
    round(bytes / nullif(all_bytes, 0), 6) AS outside_share,
    first_seen,
    last_seen
FROM (
    SELECT
        srcaddr,
        dstaddr,
        count(*) FILTER (is_outside) AS flows,
        count(*) FILTER (is_outside AND action = 'ACCEPT') AS accepted,
        count(*) FILTER (is_outside AND action = 'REJECT') AS rejected,
        sum(packets) FILTER (is_outside)::BIGINT AS packets,
        sum(bytes) FILTER (is_outside)::BIGINT AS bytes,
        sum(bytes)::BIGINT AS all_bytes,
        min(start_time) FILTER (is_outside) AS first_seen,
        max(start_time) FILTER (is_outside) AS last_seen
    FROM (
        SELECT *, isodow(start_time) > 5 OR hour(start_time) < 8 OR hour(start_time) >= 18 AS is_outside
        FROM flows
        WHERE log_status = 'OK'
    )
    GROUP BY srcaddr, dstaddr
)
WHERE flows > 0
ORDER BY bytes DESC, flows DESC, srcaddr, dstaddr
LIMIT 100;
