-- summary: Trino's bit_count: how many bits of a number are 1.
-- param: number BIGINT -- a number
-- param: bits INTEGER -- how many bits of it count, at most 64
CREATE OR REPLACE MACRO athena_bit_count(number, bits) AS
    CASE
        WHEN bits >= 63 THEN bit_count(number::BIGINT)
        ELSE bit_count(number::BIGINT & ((1::BIGINT << least(bits, 62)) - 1))
    END;
