-- summary: The first, last or number ('ports') of a system's ephemeral ports; a name that ephemeral_ranges lacks is an error.
-- param: os TEXT -- a name in ephemeral_ranges
-- param: which TEXT -- 'first', 'last' or 'ports'
CREATE OR REPLACE MACRO ephemeral_port(os, which) AS
    CASE which
        WHEN 'first' THEN ephemeral_range(os)[1]
        WHEN 'last' THEN ephemeral_range(os)[2]
        WHEN 'ports' THEN ephemeral_range(os)[2] - ephemeral_range(os)[1] + 1
    END;
