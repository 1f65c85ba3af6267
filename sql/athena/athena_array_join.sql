-- summary: Trino's array_join: the values of a list as one text, without NULL.
-- param: items ANY[] -- a list
-- param: delimiter TEXT -- what is put between
CREATE OR REPLACE MACRO athena_array_join(items, delimiter) AS
    array_to_string(items, delimiter);
