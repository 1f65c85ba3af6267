-- summary: Trino's array_remove: a list without a value.
-- param: items ANY[] -- a list
-- param: item ANY -- a value
CREATE OR REPLACE MACRO athena_array_remove(items, item) AS
    list_filter(items, lambda one: one <> item);
