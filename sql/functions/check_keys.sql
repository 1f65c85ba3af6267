-- summary: True where a text names one or two of the keys that are allowed, with a comma between, else an error that lists them; 'conversation' stands alone.
-- param: parameter TEXT -- what the text is called in the error
-- param: given TEXT -- the text
-- param: allowed TEXT[] -- the keys
CREATE OR REPLACE MACRO check_keys(parameter, given, allowed) AS
    CASE
        WHEN len(keys_of(given)) BETWEEN 1 AND 2
            AND list_has_all(allowed, keys_of(given))
            AND len(list_distinct(keys_of(given))) = len(keys_of(given))
            AND (len(keys_of(given)) = 1 OR NOT list_contains(keys_of(given), 'conversation'))
            THEN true
        ELSE error(
            parameter || ' is ' || coalesce('''' || given || '''', 'NULL')
            || '; expected one of, or two with a comma between'
            || CASE WHEN list_contains(allowed, 'conversation') THEN ' (conversation alone)' ELSE '' END
            || ': ' || array_to_string(allowed, ', ')
        )
    END;
