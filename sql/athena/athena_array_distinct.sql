-- summary: Trino's array_distinct: each value once, where it is first; NULL is one of them.
-- param: items ANY[] -- a list
CREATE OR REPLACE MACRO athena_array_distinct(items) AS
    list_transform(
        list_sort(
            list_transform(
                [
                    list_sort(
                        list_transform(
                            items, lambda athena_item, athena_place: {'item': athena_item, 'place': athena_place}
                        )
                    )
                ],
                lambda athena_pairs: list_transform(
                    -- Of equal values, which lie side by side, the first.
                    list_filter(
                        athena_pairs,
                        lambda athena_pair, athena_place: athena_place = 1
                        OR athena_pair.item IS DISTINCT FROM athena_pairs[athena_place - 1].item
                    ),
                    lambda athena_pair: {'place': athena_pair.place, 'item': athena_pair.item}
                )
            )[1]
        ),
        lambda athena_pair: athena_pair.item
    );
