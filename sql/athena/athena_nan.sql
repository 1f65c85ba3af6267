-- summary: What is no number.
CREATE OR REPLACE MACRO athena_nan() AS
    'nan'::DOUBLE;
