-- summary: Trino's bitwise_right_shift, of numbers that are not negative, and bitwise_right_shift_arithmetic.
-- param: a BIGINT -- a number
-- param: bits INTEGER -- how far
CREATE OR REPLACE MACRO athena_bitwise_right_shift(a, bits) AS
    a::BIGINT >> bits;
