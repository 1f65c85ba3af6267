SELECT
    date_trunc('hour', end_time) AS "hour",
    count(*) AS records,
    count(*) FILTER (delivered > end_time + INTERVAL 15 MINUTE) AS late,
    round(late / count(*), 6) AS late_share,
    quantile_disc((epoch_ms(delivered) - epoch_ms(end_time)) // 1000, 0.5) AS median_seconds,
    quantile_disc((epoch_ms(delivered) - epoch_ms(end_time)) // 1000, 0.95) AS p95_seconds,
    max((epoch_ms(delivered) - epoch_ms(end_time)) // 1000) AS max_seconds
FROM flows
INNER JOIN sources ON flows.source_id = sources.source_id
WHERE end_time IS NOT NULL
GROUP BY 1
ORDER BY 1
LIMIT 100;
