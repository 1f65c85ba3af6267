-- summary: Trino's regexp_count: how often a pattern matches.
-- param: text TEXT -- a text
-- param: pattern TEXT -- a regular expression
CREATE OR REPLACE MACRO athena_regexp_count(text, pattern) AS
    len(regexp_extract_all(text, pattern));
