SELECT
    srcaddr,
    flows,
    all_packets,
    all_bytes,
    round(all_bytes / every, 6) AS share,
    round(sum(all_bytes) OVER (ORDER BY all_bytes DESC, srcaddr ROWS UNBOUNDED PRECEDING) / every, 6),
    first_seen,
    last_seen,
    1 AS keys
FROM (
    SELECT
        srcaddr,
        count(*) AS flows,
        sum(packets) AS all_packets,
        sum(bytes) AS all_bytes,
        sum(sum(bytes)) OVER () AS every,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY srcaddr
    ORDER BY all_bytes DESC, srcaddr
    LIMIT 10
)
ORDER BY all_bytes DESC, srcaddr;
