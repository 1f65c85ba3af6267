-- summary: A number as text in another base, with small letters, as Trino has it.
-- param: number BIGINT -- a number
-- param: radix INTEGER -- the base, 2 to 36
CREATE OR REPLACE MACRO athena_to_base(number, radix) AS
    CASE WHEN number < 0 THEN '-' ELSE '' END || lower(to_base(abs(number::HUGEINT)::BIGINT, radix::INTEGER));
