-- summary: Trino's array_min: the smallest value of a list; NULL where one of them is.
-- param: items ANY[] -- a list
CREATE OR REPLACE MACRO athena_array_min(items) AS
    CASE WHEN list_count(items) = len(items) THEN list_min(items) END;
