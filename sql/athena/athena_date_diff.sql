-- summary: Trino's date_diff: how many whole units lie between two moments.
-- param: unit TEXT -- second, minute, hour, day, week, month, quarter, year
-- param: since TIMESTAMP -- the first moment
-- param: until TIMESTAMP -- the second moment
CREATE OR REPLACE MACRO athena_date_diff(unit, since, until) AS
    date_sub(unit, since::TIMESTAMP, until::TIMESTAMP);
