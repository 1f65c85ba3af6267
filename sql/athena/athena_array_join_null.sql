-- summary: Trino's array_join with a text for NULL.
-- param: items ANY[] -- a list
-- param: delimiter TEXT -- what is put between
-- param: absent TEXT -- what stands for NULL
CREATE OR REPLACE MACRO athena_array_join_null(items, delimiter, absent) AS
    array_to_string(list_transform(items, lambda one: coalesce(one::VARCHAR, absent)), delimiter);
