WITH hours AS (
    SELECT
        account_id,
        interface_id,
        source_id,
        unnest(
            generate_series(
                date_trunc('hour', start_time),
                date_trunc('hour', greatest(start_time, end_time - INTERVAL 1 MICROSECOND)),
                INTERVAL 1 HOUR
            )
        ) AS hour,
        date_trunc('hour', start_time) AS first_hour,
        log_status
    FROM flows
),

shares AS (
    SELECT
        account_id,
        interface_id,
        source_id,
        hour,
        bool_or(log_status = 'OK') AS has_traffic,
        bool_or(log_status = 'SKIPDATA') AS has_skipped,
        count(*) FILTER (log_status = 'OK' AND hour = first_hour) AS records,
        count(*) FILTER (log_status = 'NODATA' AND hour = first_hour) AS nodata,
        count(*) FILTER (log_status = 'SKIPDATA' AND hour = first_hour) AS skipdata
    FROM hours
    GROUP BY ALL
),

seen AS (
    SELECT
        account_id,
        interface_id,
        hour,
        1 AS hours,
        CASE WHEN bool_or(has_traffic) THEN 'traffic' WHEN bool_or(has_skipped) THEN 'skipped' ELSE 'no traffic' END AS state,
        sum(shares.records)::BIGINT AS records,
        sum(nodata)::BIGINT AS nodata,
        sum(skipdata)::BIGINT AS skipdata,
        count(*) AS sources,
        count(*) FILTER (delivered > hour + INTERVAL 2 HOUR) AS late_sources,
        sum(bad_lines)::BIGINT AS bad_lines,
        lead(hour) OVER (PARTITION BY account_id, interface_id ORDER BY hour) AS next_hour
    FROM shares
    LEFT JOIN sources USING (source_id)
    GROUP BY account_id, interface_id, hour
)

SELECT * EXCLUDE (next_hour)
FROM seen
UNION ALL
SELECT
    account_id, interface_id, hour + INTERVAL 1 HOUR, date_diff('hour', hour, next_hour) - 1, 'no logs', 0, 0, 0, 0, 0, 0
FROM seen
WHERE next_hour > hour + INTERVAL 1 HOUR
UNION ALL
SELECT NULL, NULL, date_trunc('hour', delivered), 1, 'unread', 0, 0, 0, count(*), 0, sum(bad_lines)::BIGINT
FROM sources
WHERE records = 0 AND bad_lines > 0
GROUP BY ALL
ORDER BY account_id, interface_id, hour, state;
