-- summary: Trino's from_unixtime: a moment in UTC, to the millisecond.
-- param: seconds DOUBLE -- seconds since 1970
CREATE OR REPLACE MACRO athena_from_unixtime(seconds) AS
    make_timestamp(round(seconds::DOUBLE * 1000)::BIGINT * 1000);
