-- summary: Whether a record tells of traffic, not of its absence (NODATA) or of records that were skipped (SKIPDATA).
-- param: log_status TEXT -- the record's status; where a log does not have it, a record with bytes or a source is traffic
-- param: bytes BIGINT -- the record's bytes
-- param: srcaddr TEXT -- the record's source
CREATE OR REPLACE MACRO is_traffic(log_status, bytes, srcaddr) AS
    CASE
        -- Nearly every record: what follows is computed for the others alone.
        WHEN log_status = 'OK' THEN true
        ELSE coalesce(upper(log_status) NOT IN ('NODATA', 'SKIPDATA'), bytes IS NOT NULL OR srcaddr IS NOT NULL)
    END;
