-- summary: Trino's from_unixtime_nanos: a moment in UTC.
-- param: nanoseconds BIGINT -- nanoseconds since 1970
CREATE OR REPLACE MACRO athena_from_unixtime_nanos(nanoseconds) AS
    make_timestamp(nanoseconds::BIGINT // 1000);
