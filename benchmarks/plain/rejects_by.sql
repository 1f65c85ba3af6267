SELECT
    interface_id,
    attempts,
    round(attempts / sum(attempts) OVER (), 6) AS share,
    flows,
    round(attempts / flows, 6) AS refused_share,
    packets,
    bytes,
    first_seen,
    last_seen
FROM (
    SELECT
        interface_id,
        count(*) FILTER (action = 'REJECT') AS attempts,
        count(*) AS flows,
        sum(packets) FILTER (action = 'REJECT') AS packets,
        sum(bytes) FILTER (action = 'REJECT') AS bytes,
        min(start_time) FILTER (action = 'REJECT') AS first_seen,
        max(start_time) FILTER (action = 'REJECT') AS last_seen
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY interface_id
)
WHERE attempts > 0
ORDER BY attempts DESC, interface_id
LIMIT 10;
