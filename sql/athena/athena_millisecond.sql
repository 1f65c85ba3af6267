-- summary: Trino's millisecond: that of the second.
-- param: moment TIMESTAMP -- a moment in UTC
CREATE OR REPLACE MACRO athena_millisecond(moment) AS
    millisecond(moment) % 1000;
