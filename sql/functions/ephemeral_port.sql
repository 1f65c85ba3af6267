-- summary: The first, last or number ('ports') of a system's ephemeral ports; a name that ephemeral_ranges lacks is an error.
-- param: os TEXT -- a name in ephemeral_ranges
-- param: which TEXT -- 'first', 'last' or 'ports'
CREATE OR REPLACE MACRO ephemeral_port(os, which) AS (
    SELECT coalesce(
        any_value(
            CASE which
                WHEN 'first' THEN flowdb_ranges.flowdb_first_port
                WHEN 'last' THEN flowdb_ranges.flowdb_last_port
                WHEN 'ports' THEN flowdb_ranges.flowdb_ports
            END
        ) FILTER (WHERE flowdb_ranges.flowdb_name = lower(os)),
        error(
            'os is ' || coalesce('''' || os || '''', 'NULL') || '; expected one of: '
            || string_agg(flowdb_ranges.flowdb_name, ', ' ORDER BY flowdb_ranges.flowdb_name)
        )
    )
    FROM ephemeral_ranges AS flowdb_ranges (flowdb_name, flowdb_first_port, flowdb_last_port, flowdb_ports)
);
