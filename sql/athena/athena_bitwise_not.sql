-- summary: Trino's bitwise_not.
-- param: a BIGINT -- a number
CREATE OR REPLACE MACRO athena_bitwise_not(a) AS
    ~a::BIGINT;
