-- summary: Trino's bitwise_and.
-- param: a BIGINT -- a number
-- param: b BIGINT -- a number
CREATE OR REPLACE MACRO athena_bitwise_and(a, b) AS
    a::BIGINT & b::BIGINT;
