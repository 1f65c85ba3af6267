-- summary: Trino's split_part: NULL where there are not so many parts.
-- param: text TEXT -- a text
-- param: delimiter TEXT -- what is between its parts
-- param: place INTEGER -- which part, from 1
CREATE OR REPLACE MACRO athena_split_part(text, delimiter, place) AS
    string_split(text, delimiter)[place];
