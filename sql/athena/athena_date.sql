-- summary: Trino's date and from_iso8601_date.
-- param: moment ANY -- a date, a timestamp or ISO 8601 text
CREATE OR REPLACE MACRO athena_date(moment) AS
    moment::DATE;
