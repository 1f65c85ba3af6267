-- summary: Whether a record tells of traffic, not of its absence (NODATA) or of records that were skipped (SKIPDATA).
-- param: log_status TEXT -- the record's status; NULL where the log does not have it
CREATE OR REPLACE MACRO is_traffic(log_status) AS
    coalesce(upper(log_status) NOT IN ('NODATA', 'SKIPDATA'), true);
