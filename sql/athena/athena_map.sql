-- summary: A map of keys and values, as map_agg has it: one value of each key, and none without a key.
-- param: entries STRUCT[] -- the keys and values as k and v
CREATE OR REPLACE MACRO athena_map(entries) AS
    map_from_entries(
        list_filter(
            entries,
            lambda athena_item, athena_place: athena_item.k IS NOT NULL
            AND list_position(list_transform(entries, lambda athena_other: athena_other.k), athena_item.k) = athena_place
        )
    );
