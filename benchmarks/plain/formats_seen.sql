WITH formats AS (
    SELECT
        nullif(layout, '') AS format,
        max(version) AS version,
        count(*) AS sources,
        sum(logged.records)::BIGINT AS records,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            source_id,
            max(version) AS version,
            count(*) AS records,
            min(start_time) AS first_seen,
            max(start_time) AS last_seen
        FROM flows
        GROUP BY source_id
    ) AS logged
    INNER JOIN sources ON logged.source_id = sources.source_id
    GROUP BY 1
),

fields AS (
    SELECT DISTINCT format, unnest(string_split(format, ' ')) AS field
    FROM formats
),

spread AS (
    SELECT field, list(format) AS formats
    FROM fields
    GROUP BY field
)

SELECT
    len(string_split(format, ' ')) AS fields,
    version,
    sources,
    records,
    first_seen,
    last_seen,
    (
        SELECT string_agg(field, ' ' ORDER BY field)
        FROM spread
        WHERE spread.formats = [formats.format]
            AND (SELECT count(*) FROM formats) > 1
    ) AS only_here,
    (
        SELECT string_agg(field, ' ' ORDER BY field)
        FROM spread
        WHERE NOT list_contains(spread.formats, formats.format)
    ) AS missing,
    format
FROM formats
ORDER BY records DESC, format;
