-- summary: Trino's json_format: JSON as text.
-- param: document JSON -- a JSON text
CREATE OR REPLACE MACRO athena_json_format(document) AS
    document::VARCHAR;
