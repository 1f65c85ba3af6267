-- summary: Trino's mod.
-- param: dividend ANY -- a number
-- param: divisor ANY -- a number
CREATE OR REPLACE MACRO athena_mod(dividend, divisor) AS
    dividend % divisor;
