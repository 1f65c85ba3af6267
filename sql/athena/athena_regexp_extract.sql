-- summary: Trino's regexp_extract: NULL where nothing matches.
-- param: text TEXT -- a text
-- param: pattern TEXT -- a regular expression
-- param: part INTEGER -- the number of a group; 0 for all that matches
CREATE OR REPLACE MACRO athena_regexp_extract(text, pattern, part) AS
    CASE WHEN regexp_matches(text, pattern) THEN regexp_extract(text, pattern, part) END;
