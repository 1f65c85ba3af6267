-- summary: True where a length of time can be that of a bucket, more than 0, else an error that says what is expected.
-- param: given INTERVAL -- the length, or a text of it
CREATE OR REPLACE MACRO check_bucket(given) AS
    CASE
        WHEN epoch(try_cast(given AS INTERVAL)) > 0 THEN true
        ELSE error(
            'bucket is ' || coalesce('''' || given::VARCHAR || '''', 'NULL')
            || '; expected a length of time, more than 0, such as ''5 minutes'''
        )
    END;
