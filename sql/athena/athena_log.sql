-- summary: Trino's log, whose base comes first.
-- param: base DOUBLE -- the base
-- param: number DOUBLE -- a number
CREATE OR REPLACE MACRO athena_log(base, number) AS
    ln(number) / ln(base);
