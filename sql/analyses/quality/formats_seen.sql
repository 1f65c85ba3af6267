-- summary: The formats of records that were brought in: their fields, how many records have them, and in what they differ.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: top INTEGER = NULL -- how many rows; NULL for every row
-- columns: fields, version, sources, records, first_seen, last_seen, only_here, missing, format
-- tags: quality
-- trap: both ends -- each record counts
-- trap: windows -- each record counts
-- trap: no data -- records without traffic count like all others
-- counts: a format is the list of a source's fields in their order, with spaces between; fields is their number, version the highest that a record names, and empty if none does
-- counts: only_here are the fields that no other format here has, missing those that others have and this one has not, in the order of the alphabet; both are empty for a format without a list
-- counts: sources without a record in the window, and transit gateways, are left out
-- source: Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO formats_seen(since := NULL, until := NULL, interface_id := NULL, top := NULL) AS TABLE
WITH logged AS (
    SELECT
        source_id,
        max(version) AS version,
        count(*) AS records,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE in_window(date, start_time, since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND needs('formats_seen', field_if(interface_id, 'interface-id'), since, until)
    GROUP BY source_id
),

formats AS (
    SELECT
        nullif(source.layout, '') AS format,
        max(logged.version) AS version,
        count(*) AS sources,
        total(logged.records) AS records,
        min(logged.first_seen) AS first_seen,
        max(logged.last_seen) AS last_seen
    FROM logged
    LEFT JOIN flowdb_sources AS source ON logged.source_id = source.source_id
    GROUP BY 1
),

fields AS (
    SELECT
        format,
        unnest(list_distinct(string_split(format, ' '))) AS field
    FROM formats
),

spread AS (
    SELECT
        field,
        count(*) AS formats,
        any_value(format) AS format
    FROM fields
    GROUP BY field
),

own AS (
    SELECT
        format,
        string_agg(field, ' ' ORDER BY field) AS only_here
    FROM spread
    WHERE spread.formats = 1
        AND (SELECT count(*) FROM formats) > 1
    GROUP BY format
),

lacking AS (
    SELECT
        format,
        string_agg(field, ' ' ORDER BY field) AS missing
    FROM (
        SELECT
            formats.format,
            spread.field
        FROM formats
        CROSS JOIN spread
        WHERE formats.format IS NOT NULL
        EXCEPT
        FROM fields
    )
    GROUP BY format
)

SELECT
    len(string_split(formats.format, ' ')) AS fields,
    version,
    sources,
    records,
    first_seen,
    last_seen,
    only_here,
    missing,
    formats.format
FROM formats
LEFT JOIN own ON formats.format = own.format
LEFT JOIN lacking ON formats.format = lacking.format
ORDER BY records DESC, formats.format
LIMIT top;
