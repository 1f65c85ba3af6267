SELECT
    time_bucket(INTERVAL 1 HOUR, start_time) AS moment,
    count(*) AS records,
    count(*) FILTER (log_status = 'SKIPDATA') AS skipdata,
    count(*) FILTER (log_status = 'NODATA') AS nodata,
    round(count(*) FILTER (log_status = 'SKIPDATA') / count(*), 6) AS skipdata_share,
    count(DISTINCT interface_id) AS interfaces,
    count(DISTINCT interface_id) FILTER (log_status = 'SKIPDATA') AS interfaces_skipped
FROM flows
GROUP BY moment
ORDER BY moment;
