-- summary: The fields, as AWS names them, that keys stand for; none for what is no key.
-- param: given TEXT -- one or two keys with a comma between
-- param: known TEXT[] -- the columns that keys may stand for
CREATE OR REPLACE MACRO key_fields(given, known) AS
    list_transform(
        list_filter(coalesce(key_columns(given), []), lambda one: list_contains(known, one)), lambda one: CASE one WHEN 'ip_family' THEN 'srcaddr' ELSE replace(one, '_', '-') END
    );
