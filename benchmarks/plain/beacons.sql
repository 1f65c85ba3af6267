WITH logged AS (
    SELECT interface_id, srcaddr, dstaddr, dstport, protocol, start_time, end_time, bytes
    FROM flows
    WHERE log_status = 'OK'
        AND CASE
            WHEN tcp_flags & 18 = 2 THEN true
            WHEN tcp_flags & 18 = 18 THEN false
            WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
            WHEN srcport IN (SELECT port FROM services) <> dstport IN (SELECT port FROM services)
                THEN dstport IN (SELECT port FROM services)
            WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
        END IS NOT false
),

pairs AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        count(*) AS records,
        max(epoch(end_time) - epoch(start_time)) AS longest,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM logged
    GROUP BY ALL
),

windows AS (
    SELECT interface_id, least(greatest(60, max(longest)), 600)::INTEGER AS "window"
    FROM pairs
    GROUP BY interface_id
),

gaps AS (
    SELECT
        *,
        second - lag(second) OVER (PARTITION BY srcaddr, dstaddr, dstport, protocol ORDER BY second) AS gap
    FROM (
        SELECT interface_id, srcaddr, dstaddr, dstport, protocol, epoch(start_time) AS second, sum(bytes)::BIGINT AS bytes
        FROM logged
        SEMI JOIN (
            SELECT
                srcaddr, dstaddr, dstport, protocol, arg_max(interface_id, (records, interface_id)) AS interface_id
            FROM pairs
            GROUP BY srcaddr, dstaddr, dstport, protocol
            HAVING max(records) >= 20
        ) USING (interface_id, srcaddr, dstaddr, dstport, protocol)
        GROUP BY ALL
    )
),

measures AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        count(*) AS contacts,
        quantile_cont(gap, [0.25, 0.5, 0.75]) AS gaps,
        mad(gap) AS gap_deviation,
        quantile_cont(bytes::DOUBLE, [0.25, 0.5, 0.75]) AS sizes,
        mad(bytes::DOUBLE) AS size_deviation,
        sum(bytes)::BIGINT AS bytes,
        min(second) AS first_second,
        max(second) AS last_second
    FROM gaps
    GROUP BY ALL
    HAVING count(*) >= 20
),

scores AS (
    SELECT
        *,
        (
            CASE
                WHEN gaps[3] - gaps[1] >= 10 AND gaps[1] < gaps[2] AND gaps[2] < gaps[3]
                    THEN 1 - abs(gaps[1] + gaps[3] - 2 * gaps[2]) / (gaps[3] - gaps[1])
                ELSE 1
            END + CASE WHEN gap_deviation = 0 THEN 1 ELSE greatest(0, 1 - gap_deviation / nullif(gaps[2], 0)) END
        ) / 2 AS interval_score,
        (
            CASE
                WHEN sizes[3] - sizes[1] >= 10 AND sizes[1] < sizes[2] AND sizes[2] < sizes[3]
                    THEN 1 - abs(sizes[1] + sizes[3] - 2 * sizes[2]) / (sizes[3] - sizes[1])
                ELSE 1
            END + CASE WHEN size_deviation = 0 THEN 1 ELSE greatest(0, 1 - size_deviation / nullif(sizes[2], 0)) END
        ) / 2 AS size_score,
        least(1, (last_second - first_second) / span) AS duration_score,
        least(1, gaps[2] * (contacts - 1) / (last_second - first_second)) AS coverage_score,
        list_avg([interval_score, size_score, duration_score, coverage_score]) AS score,
        gaps[2] < 3 * "window" AS is_short
    FROM measures
    INNER JOIN windows USING (interface_id)
    CROSS JOIN (SELECT epoch(max(last_seen)) - epoch(min(first_seen)) AS span FROM pairs)
)

SELECT
    srcaddr,
    dstaddr,
    dstport,
    protocol,
    contacts,
    CASE WHEN NOT is_short THEN round(score, 6) END AS score,
    round(interval_score, 6) AS interval_score,
    round(size_score, 6) AS size_score,
    round(duration_score, 6) AS duration_score,
    round(coverage_score, 6) AS coverage_score,
    gaps[2] AS period_seconds,
    "window" AS window_seconds,
    CASE WHEN is_short THEN 'period under three windows' END AS remark,
    bytes,
    make_timestamp((first_second * 1000000)::BIGINT) AS first_seen,
    make_timestamp((last_second * 1000000)::BIGINT) AS last_seen
FROM scores
WHERE scores.score >= 0.85
ORDER BY 6 DESC NULLS LAST, contacts DESC, srcaddr, dstaddr, dstport, protocol
LIMIT 100;
