-- summary: How many records have traffic, have none, or stand for records that were skipped.
-- param: by TEXT = 'log_status' {log_status, interface_id} -- over all records, or for each interface
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- columns: interface_id, log_status, records, share, packets, bytes, first_seen, last_seen
-- tags: quality
-- trap: both ends -- each interface has rows of its own, or all are taken together, where interface_id is empty
-- trap: windows -- each record counts
-- trap: no data -- counted as such
-- counts: 'absent' is a record whose log does not have the field, or has a hyphen there; share is that of the records of the interface, or of all
-- counts: one SKIPDATA record can stand for many flows that were not captured
-- answers: Tailpipe: activity dashboard, records by log status
-- source: Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO log_status(
    "by" := 'log_status', since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH logged AS (
    SELECT
        CASE WHEN "by" = 'interface_id' THEN flows.interface_id END AS interface,
        log_status AS written,
        count(*) AS records,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE in_window(date, start_time, since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND needs('log_status', list_concat(key_fields("by", ['interface_id']), field_if(interface_id, 'interface-id')), since, until)
        AND one_of('by', "by", ['log_status', 'interface_id'])
    GROUP BY 1, 2
),

counted AS (
    SELECT
        interface,
        coalesce(upper(written), 'absent') AS status,
        total(logged.records) AS records,
        total(logged.packets) AS packets,
        total(logged.bytes) AS bytes,
        min(logged.first_seen) AS first_seen,
        max(logged.last_seen) AS last_seen
    FROM logged
    GROUP BY 1, 2
)

SELECT
    interface AS interface_id,
    status AS log_status,
    records,
    round(records / sum(records) OVER (PARTITION BY interface), 6) AS share,
    packets,
    bytes,
    first_seen,
    last_seen
FROM counted
ORDER BY interface, records DESC, status
LIMIT top;
