-- summary: Trino's repeat: a list of one value.
-- param: item ANY -- a value
-- param: times BIGINT -- how often
CREATE OR REPLACE MACRO athena_repeat(item, times) AS
    list_transform(range(times), lambda athena_place: item);
