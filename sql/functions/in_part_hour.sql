-- summary: Whether a moment in a window is in its first or its last hour, where the window has only a part of that.
-- param: moment TIMESTAMP -- a moment in the window; NULL gives NULL or false
-- param: since TIMESTAMP -- first moment of the window; NULL for no bound
-- param: until TIMESTAMP -- the moment behind its last; NULL for no bound
CREATE OR REPLACE MACRO in_part_hour(moment, since, until) AS
    -- A window that begins or ends with an hour has no moment before the one or behind the other.
    moment < date_trunc('hour', utc(since) + INTERVAL (3599999999) MICROSECONDS)
    OR moment >= date_trunc('hour', utc(until));
