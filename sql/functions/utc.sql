-- summary: A moment as UTC without a zone, whatever the session's time zone; text with an offset is converted.
-- param: moment ANY -- a date, a timestamp with or without a zone, or ISO 8601 text
CREATE OR REPLACE MACRO utc(moment) AS
    CASE
        WHEN typeof(moment) = 'TIMESTAMP WITH TIME ZONE'
            OR (typeof(moment) = 'VARCHAR' AND regexp_matches(moment::VARCHAR, ':[0-9.]+ ?[+-][0-9:]+$'))
            THEN make_timestamp(epoch_us(moment::TIMESTAMPTZ))
        ELSE moment::TIMESTAMP
    END;
