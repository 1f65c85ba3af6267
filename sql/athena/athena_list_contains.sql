-- summary: Trino's contains: whether a list has a value; NULL where one that is NULL may be it.
-- param: items ANY[] -- a list
-- param: item ANY -- a value
CREATE OR REPLACE MACRO athena_list_contains(items, item) AS
    CASE
        WHEN item IS NULL THEN NULL
        WHEN list_contains(items, item) THEN true
        WHEN list_count(items) = len(items) THEN false
    END;
