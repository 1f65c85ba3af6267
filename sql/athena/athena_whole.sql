-- summary: A text that is to be cast to an integer; what is none, as to Trino 2.7 is, is put in quotes, so that no cast takes it.
-- param: text TEXT -- a text
CREATE OR REPLACE MACRO athena_whole(text) AS
    CASE WHEN regexp_full_match(text, '[-+]?[0-9]+') THEN text ELSE '"' || text || '"' END;
