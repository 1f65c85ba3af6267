-- summary: Trino's arrays_overlap: whether lists have a value in common; NULL where one that is NULL may be it.
-- param: items ANY[] -- a list
-- param: others ANY[] -- another list
CREATE OR REPLACE MACRO athena_arrays_overlap(items, others) AS
    CASE
        WHEN list_has_any(items, others) THEN true
        WHEN len(items) = 0 OR len(others) = 0 THEN false
        WHEN list_count(items) = len(items) AND list_count(others) = len(others) THEN false
    END;
