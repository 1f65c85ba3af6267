SELECT
    NULL AS interface_id,
    coalesce(log_status, 'absent') AS log_status,
    count(*) AS records,
    round(count(*) / sum(count(*)) OVER (), 6) AS share,
    sum(packets)::BIGINT AS packets,
    sum(bytes)::BIGINT AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
GROUP BY 2
ORDER BY records DESC, 2
LIMIT 100;
