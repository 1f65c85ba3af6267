-- summary: The values of a list as texts.
-- param: items ANY[] -- a list
-- param: absent TEXT -- what stands for NULL
CREATE OR REPLACE MACRO athena_texts(items, absent) AS
    list_transform(items, lambda athena_item: coalesce(athena_item::VARCHAR, absent));
