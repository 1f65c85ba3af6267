-- summary: The first, last or number ('ports') of a system's ephemeral ports; a name that ephemeral_ranges lacks is an error.
-- param: os TEXT -- a name in ephemeral_ranges
-- param: which TEXT -- 'first', 'last' or 'ports'
CREATE OR REPLACE MACRO ephemeral_port(os, which) AS (
    SELECT coalesce(
        any_value(
            CASE which
                WHEN 'first' THEN ranges.first_port
                WHEN 'last' THEN ranges.last_port
                WHEN 'ports' THEN ranges.ports
            END
        ) FILTER (WHERE ranges.name = lower(os)),
        error(
            'os is ' || coalesce('''' || os || '''', 'NULL') || '; expected one of: '
            || string_agg(ranges.name, ', ' ORDER BY ranges.name)
        )
    )
    FROM ephemeral_ranges AS ranges
);
