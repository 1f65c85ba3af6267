-- summary: A number larger than all others.
CREATE OR REPLACE MACRO athena_infinity() AS
    'infinity'::DOUBLE;
