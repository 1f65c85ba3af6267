-- summary: Trino's regexp_replace: every match replaced.
-- param: text TEXT -- a text
-- param: pattern TEXT -- a regular expression
-- param: replacement TEXT -- what is put in place; $1 is the first group
CREATE OR REPLACE MACRO athena_regexp_replace(text, pattern, replacement) AS
    regexp_replace(text, pattern, regexp_replace(replacement, '\$([0-9])', '\\\1', 'g'), 'g');
