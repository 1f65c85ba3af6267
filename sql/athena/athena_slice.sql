-- summary: Trino's slice: a part of a list.
-- param: items ANY[] -- a list
-- param: first BIGINT -- where to begin; from the end if negative
-- param: length BIGINT -- how many
CREATE OR REPLACE MACRO athena_slice(items, first, length) AS
    array_slice(items, first, CASE WHEN first < 0 AND first + length > -1 THEN -1 ELSE first + length - 1 END);
