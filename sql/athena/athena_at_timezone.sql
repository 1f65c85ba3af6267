-- summary: Trino's AT TIME ZONE: what a clock of a zone shows at a moment.
-- param: moment TIMESTAMP -- a moment in UTC
-- param: zone TEXT -- the name of a time zone
CREATE OR REPLACE MACRO athena_at_timezone(moment, zone) AS
    (moment::TIMESTAMP AT TIME ZONE 'UTC') AT TIME ZONE zone;
