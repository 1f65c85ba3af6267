SELECT
    moments.moment,
    coalesce(accepted, 0) AS accepted,
    coalesce(refused, 0) AS refused,
    round(refused / (accepted + refused), 6) AS refused_share
FROM (
    SELECT unnest(
        generate_series(
            time_bucket(INTERVAL 1 HOUR, min(start_time)), time_bucket(INTERVAL 1 HOUR, max(start_time)), INTERVAL 1 HOUR
        )
    ) AS moment
    FROM flows
    WHERE log_status = 'OK'
) AS moments
LEFT JOIN (
    SELECT
        time_bucket(INTERVAL 1 HOUR, start_time) AS moment,
        count(*) FILTER (action = 'ACCEPT') AS accepted,
        count(*) FILTER (action = 'REJECT') AS refused
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY moment
) AS logged ON moments.moment = logged.moment
ORDER BY moments.moment;
