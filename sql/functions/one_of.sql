-- summary: True where a value is one of those allowed, else an error that lists them.
-- param: parameter TEXT -- what the value is called in the error
-- param: given TEXT -- the value
-- param: allowed TEXT[] -- the values that it may have
CREATE OR REPLACE MACRO one_of(parameter, given, allowed) AS
    CASE
        WHEN list_contains(allowed, given) THEN true
        ELSE error(parameter || ' is ' || coalesce('''' || given || '''', 'NULL') || '; expected one of: ' || array_to_string(allowed, ', '))
    END;
