-- summary: Trino's division: of integers it gives an integer.
-- param: dividend ANY -- a number
-- param: divisor ANY -- a number
CREATE OR REPLACE MACRO athena_divide(dividend, divisor) AS
    struct_extract(
        {'whole': dividend // divisor, 'exact': dividend / divisor},
        CASE WHEN typeof(dividend) LIKE '%INT%' AND typeof(divisor) LIKE '%INT%' THEN 'whole' ELSE 'exact' END
    );
