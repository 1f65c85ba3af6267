-- summary: A field as a list, empty where a filter that needs it is not given.
-- param: given ANY -- what is filtered by; NULL for nothing
-- param: field TEXT -- the field as AWS names it
CREATE OR REPLACE MACRO field_if(given, field) AS
    CASE WHEN given IS NOT NULL THEN [field] ELSE []::VARCHAR[] END;
