-- summary: Trino's width_bucket: the bucket of equal width that a number is in; 0 below all, one more than there are above.
-- param: number DOUBLE -- a number
-- param: low DOUBLE -- where the first bucket begins
-- param: high DOUBLE -- where the last one ends
-- param: buckets BIGINT -- how many
CREATE OR REPLACE MACRO athena_width_bucket(number, low, high, buckets) AS
    CASE
        WHEN number < low THEN 0
        WHEN number >= high THEN buckets + 1
        ELSE floor((number - low) * buckets / (high - low))::BIGINT + 1
    END;
