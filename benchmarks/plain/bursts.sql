WITH logged AS (
    SELECT
        *,
        time_bucket(INTERVAL 5 MINUTE, start_time) AS first_bucket,
        end_time > first_bucket + INTERVAL 5 MINUTE AS is_cut
    FROM flows
    WHERE log_status = 'OK'
),

cut AS (
    SELECT
        *,
        epoch(end_time) - epoch(start_time) AS span,
        epoch(greatest(moment, start_time)) - epoch(start_time) AS begins,
        epoch(least(moment + INTERVAL 5 MINUTE, end_time)) - epoch(start_time) AS ends
    FROM (
        SELECT
            *,
            unnest(
                generate_series(
                    first_bucket, time_bucket(INTERVAL 5 MINUTE, end_time - INTERVAL 1 MICROSECOND), INTERVAL 5 MINUTE
                )
            ) AS moment
        FROM logged
        WHERE is_cut
    )
),

portions AS (
    SELECT srcaddr, first_bucket AS moment, bytes
    FROM logged
    WHERE NOT is_cut
    UNION ALL
    SELECT
        srcaddr, moment,
        (round(bytes * (ends / span)) - round(bytes * (begins / span)))::BIGINT
    FROM cut
),

cells AS (
    SELECT srcaddr, moment, sum(bytes)::BIGINT AS bytes
    FROM portions
    GROUP BY ALL
),

sums AS (
    SELECT
        srcaddr,
        sum(bytes)::BIGINT AS bytes,
        count(*) FILTER (bytes > 0) AS busy_buckets,
        list_sort(list(bytes)) AS ordered,
        max(bytes) AS peak,
        arg_min(moment, (-bytes, moment)) AS peak_at
    FROM cells
    GROUP BY srcaddr
)

SELECT
    srcaddr,
    bytes,
    busy_buckets,
    buckets,
    round(bytes * 8 / (buckets * 300), 3) AS mean_bps,
    round(coalesce(ordered[(ceil(0.95 * buckets) - (buckets - len(ordered)))::BIGINT], 0) * 8 / 300, 3) AS p95_bps,
    round(peak * 8 / 300, 3) AS peak_bps,
    peak_at,
    round(peak * buckets / nullif(bytes, 0), 3) AS peak_to_mean
FROM sums
CROSS JOIN (SELECT (epoch(max(moment) - min(moment)) / 300)::BIGINT + 1 AS buckets FROM cells)
ORDER BY peak DESC, bytes DESC, srcaddr
LIMIT 10;
