SELECT
    srcaddr,
    flows,
    packets,
    bytes,
    round(bytes * 1.0 / every, 6) AS share,
    round(sum(bytes) OVER (ORDER BY bytes DESC, srcaddr ROWS UNBOUNDED PRECEDING) * 1.0 / every, 6) AS cumulative_share,
    first_seen,
    last_seen,
    1 AS keys
FROM (
    SELECT
        srcaddr,
        count(*) AS flows,
        sum(packets) AS packets,
        sum(bytes) AS bytes,
        sum(sum(bytes)) OVER () AS every,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY srcaddr
    ORDER BY bytes DESC, srcaddr
    LIMIT 10
)
ORDER BY bytes DESC, srcaddr;
