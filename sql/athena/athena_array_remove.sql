-- summary: Trino's array_remove: a list without a value; NULL stays.
-- param: items ANY[] -- a list
-- param: item ANY -- a value
CREATE OR REPLACE MACRO athena_array_remove(items, item) AS
    CASE
        WHEN item IS NOT NULL
            THEN list_filter(items, lambda athena_item: athena_item IS NULL OR athena_item <> item)
    END;
