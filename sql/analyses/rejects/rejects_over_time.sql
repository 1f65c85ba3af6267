-- summary: How many records were accepted and how many refused, over time.
-- param: bucket INTERVAL = '1 hour' -- how long a row's time is
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = NULL -- how many rows; NULL for every row
-- needs: action
-- columns: moment, accepted, refused, refused_share
-- tags: security, reject, timeline
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: replies -- a refused answer is a refused record
-- trap: windows -- a connection counts once for each of its records, at its start
-- trap: no data -- left out
-- counts: records that begin in the time; one without a start counts at its end, else at midnight of its date; times without a record between the first and the last have 0, and no share
-- answers: Tailpipe: activity dashboard, accepted against rejected by day | bucket := '1 day'
-- source: Tailpipe, activity dashboard
CREATE OR REPLACE MACRO rejects_over_time(
    bucket := '1 hour', since := NULL, until := NULL, interface_id := NULL, top := NULL
) AS TABLE
WITH records AS (
    SELECT
        record_moment(start_time, end_time, date) AS first_moment,
        bucket_start(bucket, first_moment) AS moment,
        upper(action) AS action
    FROM flows
    -- What was accepted or refused is traffic: bytes and addresses need not be read to tell.
    WHERE upper(flows.action) IN ('ACCEPT', 'REJECT')
        AND coalesce(upper(log_status) NOT IN ('NODATA', 'SKIPDATA'), true)
        AND in_window(flows.date, start_time, since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND needs('rejects_over_time', list_concat(['action'], field_if(interface_id, 'interface-id')), since, until)
        AND check_bucket(bucket)
),

logged AS (
    SELECT
        moment,
        count(*) FILTER (action = 'ACCEPT') AS accepted,
        count(*) FILTER (action = 'REJECT') AS refused
    FROM records
    GROUP BY moment
),

moments AS (
    SELECT unnest(generate_series(min(moment), max(moment), bucket::INTERVAL)) AS moment
    FROM logged
)

SELECT
    moments.moment,
    coalesce(accepted, 0) AS accepted,
    coalesce(refused, 0) AS refused,
    round(refused / (accepted + refused), 6) AS refused_share
FROM moments
LEFT JOIN logged
    ON moments.moment = logged.moment
ORDER BY moments.moment
LIMIT top;
