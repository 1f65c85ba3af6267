-- summary: Trino's json_extract_scalar: a value as text; NULL for what is none, or an object, or an array.
-- param: document JSON -- a JSON text
-- param: path TEXT -- a JSON path such as $.a[0]
CREATE OR REPLACE MACRO athena_json_extract_scalar(document, path) AS
    CASE WHEN json_type(document, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(document, path) END;
