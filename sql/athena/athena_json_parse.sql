-- summary: Trino's json_parse: a text as JSON.
-- param: text TEXT -- a text
CREATE OR REPLACE MACRO athena_json_parse(text) AS
    text::JSON;
