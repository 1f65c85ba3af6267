-- summary: Trino's substr: a part of a text, counted from its end where the start is negative.
-- param: text TEXT -- a text
-- param: first BIGINT -- where to begin, from 1
-- param: length BIGINT -- how many characters
CREATE OR REPLACE MACRO athena_substr(text, first, length) AS
    CASE
        WHEN text IS NULL OR first IS NULL OR length IS NULL THEN NULL
        WHEN first = 0 OR length <= 0 OR -first > length(text) THEN ''
        ELSE substr(text, first, length)
    END;
