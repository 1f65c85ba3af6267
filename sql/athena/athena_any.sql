-- summary: Whether any of a list is true; NULL where one that is NULL may be it.
-- param: found BOOLEAN[] -- a list
CREATE OR REPLACE MACRO athena_any(found) AS
    CASE WHEN list_contains(found, true) THEN true WHEN list_count(found) = len(found) THEN false END;
