-- summary: A moment as UTC without a zone, whatever the session's time zone; text with an offset or a zone is converted.
-- param: moment ANY -- a date, a timestamp with or without a zone, or ISO 8601 text
CREATE OR REPLACE MACRO utc(moment) AS
    CASE
        -- Whatever follows date and time is a zone, which a time with one has as text too.
        WHEN regexp_matches(moment::VARCHAR, '^ *[0-9]+-[0-9]+-[0-9]+[T ][0-9:.]+ ?[^0-9:. Zz].*$')
            THEN make_timestamp(epoch_us(regexp_replace(moment::VARCHAR, ' ([+-][0-9:]+) *$', '\1')::TIMESTAMPTZ))
        ELSE moment::TIMESTAMP
    END;
