-- summary: Trino's from_iso8601_timestamp.
-- param: text TEXT -- ISO 8601, UTC unless it says otherwise
CREATE OR REPLACE MACRO athena_from_iso8601_timestamp(text) AS
    utc(text::VARCHAR);
