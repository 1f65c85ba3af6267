-- summary: The first, last or number ('ports') of a system's ephemeral ports; a name that is not in ephemeral_ranges is an error.
-- param: os TEXT -- a name in ephemeral_ranges
-- param: which TEXT -- 'first', 'last' or 'ports'
CREATE OR REPLACE MACRO ephemeral_port(os, which) AS (
    SELECT coalesce(
        any_value(CASE which WHEN 'first' THEN first_port WHEN 'last' THEN last_port ELSE ports END)
            FILTER (WHERE name = lower(os)),
        error('os is ''' || os || '''; expected one of: ' || string_agg(name, ', ' ORDER BY name))
    )
    FROM ephemeral_ranges
);
