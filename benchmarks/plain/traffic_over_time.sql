WITH logged AS (
    SELECT
        *,
        time_bucket(INTERVAL 1 HOUR, start_time) AS first_bucket,
        end_time > first_bucket + INTERVAL 1 HOUR AS is_cut
    FROM flows
    WHERE log_status = 'OK'
),

cut AS (
    SELECT
        *,
        epoch(end_time) - epoch(start_time) AS span,
        epoch(greatest(moment, start_time)) - epoch(start_time) AS begins,
        epoch(least(moment + INTERVAL 1 HOUR, end_time)) - epoch(start_time) AS ends
    FROM (
        SELECT
            *,
            unnest(
                generate_series(
                    first_bucket, time_bucket(INTERVAL 1 HOUR, end_time - INTERVAL 1 MICROSECOND), INTERVAL 1 HOUR
                )
            ) AS moment
        FROM logged
        WHERE is_cut
    )
),

portions AS (
    SELECT action, first_bucket AS moment, 1 AS flows, packets, bytes
    FROM logged
    WHERE NOT is_cut
    UNION ALL
    SELECT
        action, moment,
        (moment = first_bucket)::INTEGER,
        (round(packets * ends / span) - round(packets * begins / span))::BIGINT,
        (round(bytes * ends / span) - round(bytes * begins / span))::BIGINT
    FROM cut
),

sums AS (
    SELECT
        moment,
        sum(flows)::BIGINT AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        sum(bytes) FILTER (action = 'ACCEPT')::BIGINT AS accepted_bytes,
        sum(bytes) FILTER (action = 'REJECT')::BIGINT AS rejected_bytes
    FROM portions
    GROUP BY moment
)

SELECT
    moment,
    coalesce(flows, 0) AS flows,
    coalesce(packets, 0) AS packets,
    coalesce(bytes, 0) AS bytes,
    coalesce(accepted_bytes, 0) AS accepted_bytes,
    coalesce(rejected_bytes, 0) AS rejected_bytes,
    round(coalesce(bytes, 0) * 8 / 3600, 3) AS bits_per_second
FROM (SELECT unnest(generate_series(min(moment), max(moment), INTERVAL 1 HOUR)) AS moment FROM sums)
LEFT JOIN sums USING (moment)
ORDER BY moment;
