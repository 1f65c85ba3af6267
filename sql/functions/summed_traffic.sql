-- summary: The records of traffic as `traffic` gives them, or, where no more is asked for, their hourly sums; a row stands for as many flows as it says.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them; none of the logs having one is an error
-- param: is_enough BOOLEAN -- whether hourly sums tell all that is asked for
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only what this interface saw
CREATE OR REPLACE MACRO summed_traffic(analysis, fields, is_enough, since := NULL, until := NULL, interface_id := NULL) AS TABLE
SELECT *
FROM (
    SELECT * EXCLUDE (hour)
    FROM flowdb_hourly AS hours
    WHERE has_rollups()
        AND is_enough
        AND in_window(hours.date, hours.hour, since, until)
        AND (until IS NULL OR hours.hour IS NULL OR hours.hour < date_trunc('hour', utc(until)))
        AND (interface_id IS NULL OR hours.interface_id = interface_id)
    UNION ALL BY NAME
    SELECT
        *,
        1 AS flows,
        start_time AS first_start,
        start_time AS last_start
    FROM flows AS records
    WHERE is_traffic(records.log_status, records.bytes, records.srcaddr)
        AND in_window(records.date, records.start_time, since, until)
        AND (interface_id IS NULL OR records.interface_id = interface_id)
        AND (NOT (has_rollups() AND is_enough) OR in_part_hour(records.start_time, since, until))
    UNION ALL BY NAME
    SELECT
        *,
        1 AS flows,
        start_time AS first_start,
        start_time AS last_start
    FROM flowdb_unsummed AS bare
    WHERE has_rollups()
        AND is_enough
        AND is_traffic(bare.log_status, bare.bytes, bare.srcaddr)
        AND in_window(bare.date, bare.start_time, since, until)
        AND (interface_id IS NULL OR bare.interface_id = interface_id)
        AND NOT coalesce(in_part_hour(bare.start_time, since, until), false)
)
WHERE needs(analysis, list_concat(fields, field_if(interface_id, 'interface-id')), since, until);
