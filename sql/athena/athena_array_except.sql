-- summary: Trino's array_except: what of a list is not in another.
-- param: items ANY[] -- a list
-- param: others ANY[] -- another list
CREATE OR REPLACE MACRO athena_array_except(items, others) AS
    list_distinct(list_filter(items, lambda one: NOT list_contains(others, one)));
