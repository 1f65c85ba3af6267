-- summary: Trino's sequence of whole numbers, which counts upwards or downwards.
-- param: first BIGINT -- the first number
-- param: last BIGINT -- the last number, included
CREATE OR REPLACE MACRO athena_sequence(first, last) AS
    generate_series(first, last, CASE WHEN first <= last THEN 1 ELSE -1 END);
