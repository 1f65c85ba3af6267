-- summary: Trino's bitwise_left_shift.
-- param: a BIGINT -- a number
-- param: bits INTEGER -- how far
CREATE OR REPLACE MACRO athena_bitwise_left_shift(a, bits) AS
    a::BIGINT << bits;
