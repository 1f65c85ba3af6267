-- summary: Trino's array_intersect: what is in both lists, once.
-- param: items ANY[] -- a list
-- param: others ANY[] -- another list
CREATE OR REPLACE MACRO athena_array_intersect(items, others) AS
    CASE
        WHEN others IS NOT NULL THEN athena_array_distinct(
            list_filter(items, lambda athena_item: list_position(others, athena_item) IS NOT NULL)
        )
    END;
