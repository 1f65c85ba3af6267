-- summary: Records that were skipped, and those without traffic, over time.
-- param: bucket INTERVAL = '1 hour' -- how long a row is
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: top INTEGER = NULL -- how many rows; NULL for every row
-- columns: moment, records, skipdata, nodata, skipdata_share, interfaces, interfaces_skipped
-- tags: quality
-- trap: both ends -- both records count, each is its interface's
-- trap: windows -- each record counts
-- trap: no data -- counted as such
-- counts: a row is a bucket with at least one record, which counts in the bucket of its start, or of its end if it has no start or they lie more than a day apart; records are all of them, skipdata and nodata among them
-- counts: a record without a status is neither; one SKIPDATA record can stand for many flows that were not captured
-- answers: CloudWatch: skipped records per hour
-- source: CloudWatch Logs user guide, sample queries for VPC flow logs
CREATE OR REPLACE MACRO skipped_over_time(
    bucket := '1 hour', since := NULL, until := NULL, interface_id := NULL, top := NULL
) AS TABLE
SELECT
    time_bucket(bucket::INTERVAL, record_moment(start_time, end_time, date)) AS moment,
    count(*) AS records,
    count(*) FILTER (WHERE upper(log_status) = 'SKIPDATA') AS skipdata,
    count(*) FILTER (WHERE upper(log_status) = 'NODATA') AS nodata,
    round(count(*) FILTER (WHERE upper(log_status) = 'SKIPDATA') / count(*), 6) AS skipdata_share,
    count(DISTINCT flows.interface_id) AS interfaces,
    count(DISTINCT flows.interface_id) FILTER (WHERE upper(log_status) = 'SKIPDATA') AS interfaces_skipped
FROM flows
WHERE in_window(date, start_time, since, until)
    AND (interface_id IS NULL OR flows.interface_id = interface_id)
    AND needs('skipped_over_time', field_if(interface_id, 'interface-id'), since, until)
    AND check_bucket(bucket)
GROUP BY moment
ORDER BY moment
LIMIT top;
