-- summary: Whether a record lies in a window of time; it prunes the files of other dates.
-- param: day DATE -- the record's date; one without a start time counts by it
-- param: moment TIMESTAMP -- the record's start time
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
CREATE OR REPLACE MACRO in_window(day, moment, since, until) AS
    (since IS NULL OR (day >= utc(since)::DATE AND (moment >= utc(since) OR moment IS NULL)))
    AND (until IS NULL OR (day < utc(until) AND (moment < utc(until) OR moment IS NULL)));
