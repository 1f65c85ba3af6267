-- summary: Trino's array_max: the largest value of a list; NULL where one of them is.
-- param: items ANY[] -- a list
CREATE OR REPLACE MACRO athena_array_max(items) AS
    CASE WHEN list_count(items) = len(items) THEN list_max(items) END;
