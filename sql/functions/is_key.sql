-- summary: Whether a column is one of those that keys stand for; the first known one where they stand for none, so that the error can be raised that lists them.
-- param: name TEXT -- the column
-- param: given TEXT -- one or two keys with a comma between
-- param: known TEXT[] -- the columns that keys may stand for
CREATE OR REPLACE MACRO is_key(name, given, known) AS
    coalesce(list_contains(key_columns(given), name), false) AND list_contains(known, name)
    OR (name = known[1] AND NOT coalesce(list_has_any(key_columns(given), known), false));
