-- summary: Whether a moment in a window is in its first or its last hour, where the window has only a part of that.
-- param: moment TIMESTAMP -- a moment in the window; NULL gives NULL or false
-- param: since TIMESTAMP -- first moment of the window; NULL for no bound
-- param: until TIMESTAMP -- the moment behind its last; NULL for no bound
CREATE OR REPLACE MACRO in_part_hour(moment, since, until) AS
    (
        coalesce(date_trunc('hour', utc(since)) < utc(since), false)
        AND moment < date_trunc('hour', utc(since)) + INTERVAL 1 HOUR
    )
    OR (
        coalesce(date_trunc('hour', utc(until)) < utc(until), false)
        AND moment >= date_trunc('hour', utc(until))
    );
