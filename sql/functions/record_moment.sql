-- summary: The moment at which a record counts, always on its date: its start, but its end where it has no start or the two lie more than a day apart.
-- param: start_time TIMESTAMP -- the record's start time
-- param: end_time TIMESTAMP -- the record's end time
-- param: day DATE -- the record's date, whose midnight it is where there is neither
CREATE OR REPLACE MACRO record_moment(start_time, end_time, day) AS
    CASE
        WHEN abs(epoch_us(end_time) - epoch_us(start_time)) > 86400000000 THEN end_time
        ELSE coalesce(start_time, end_time, day)
    END;
