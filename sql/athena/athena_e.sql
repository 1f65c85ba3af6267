-- summary: Euler's number.
CREATE OR REPLACE MACRO athena_e() AS
    exp(1);
