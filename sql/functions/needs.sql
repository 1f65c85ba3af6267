-- summary: True if every field is in a log from the window of time, or if there is no log from it; else an error that names the field.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- fields as AWS names them
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
CREATE OR REPLACE MACRO needs(analysis, fields, since, until) AS (
    WITH layouts AS (
        SELECT DISTINCT string_split(logs.layout, ' ') AS known
        FROM flowdb_sources AS logs
        WHERE logs.records > 0
            AND (since IS NULL OR logs.last_start IS NULL OR logs.last_start >= utc(since))
            AND (until IS NULL OR logs.first_start IS NULL OR logs.first_start < utc(until))
    ),

    lacking AS (
        SELECT unnest(fields) AS field
        WHERE EXISTS (FROM layouts)
        EXCEPT
        SELECT unnest(CASE WHEN known = [''] THEN fields ELSE known END)
        FROM layouts
    )

    SELECT CASE
        WHEN count(*) = 0 THEN true
        ELSE error(analysis || ' needs ' || min(field) || ', a field that no log here has')
    END
    FROM lacking
);
