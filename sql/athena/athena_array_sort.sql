-- summary: Trino's array_sort: smallest first, NULL last.
-- param: items ANY[] -- a list
CREATE OR REPLACE MACRO athena_array_sort(items) AS
    list_sort(items, 'ASC', 'NULLS LAST');
