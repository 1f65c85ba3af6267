-- summary: Trino's with_timezone: the moment at which a clock of a zone shows a time.
-- param: clock TIMESTAMP -- what a clock of the zone shows
-- param: zone TEXT -- the name of a time zone
CREATE OR REPLACE MACRO athena_with_timezone(clock, zone) AS
    (clock::TIMESTAMP AT TIME ZONE zone) AT TIME ZONE 'UTC';
