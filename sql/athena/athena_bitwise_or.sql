-- summary: Trino's bitwise_or.
-- param: a BIGINT -- a number
-- param: b BIGINT -- a number
CREATE OR REPLACE MACRO athena_bitwise_or(a, b) AS
    a::BIGINT | b::BIGINT;
