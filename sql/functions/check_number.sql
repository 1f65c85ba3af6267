-- summary: True where a number is at least another, else an error that says what is expected.
-- param: parameter TEXT -- what the number is called in the error
-- param: given DOUBLE -- the number; NULL is true
-- param: lowest DOUBLE -- the lowest that it may be
CREATE OR REPLACE MACRO check_number(parameter, given, lowest) AS
    CASE
        WHEN given IS NULL OR given >= lowest THEN true
        ELSE error(parameter || ' is ' || given || '; expected a number, ' || lowest || ' or more')
    END;
