-- summary: True where a number is at least another, and at most a third, else an error that says what is expected.
-- param: parameter TEXT -- what the number is called in the error
-- param: given DOUBLE -- the number; NULL is true
-- param: lowest DOUBLE -- the lowest that it may be
-- param: highest DOUBLE = NULL -- the highest that it may be; NULL for no bound
CREATE OR REPLACE MACRO check_number(parameter, given, lowest, highest := NULL) AS
    CASE
        WHEN given IS NULL OR (given >= lowest AND (highest IS NULL OR given <= highest)) THEN true
        ELSE error(
            parameter || ' is ' || given || '; expected a number'
            || coalesce(' from ' || lowest || ' to ' || highest, ', ' || lowest || ' or more')
        )
    END;
