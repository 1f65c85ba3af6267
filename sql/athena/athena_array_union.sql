-- summary: Trino's array_union: what is in either list, once.
-- param: items ANY[] -- a list
-- param: others ANY[] -- another list
CREATE OR REPLACE MACRO athena_array_union(items, others) AS
    CASE WHEN items IS NOT NULL AND others IS NOT NULL THEN athena_array_distinct(list_concat(items, others)) END;
