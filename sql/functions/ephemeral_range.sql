-- summary: The first and the last of a system's ephemeral ports; a name that ephemeral_ranges lacks is an error.
-- param: os TEXT -- a name in ephemeral_ranges
CREATE OR REPLACE MACRO ephemeral_range(os) AS
    -- Of a name that is given this is known before a row is read, as it would not be if a table were asked.
    CASE lower(os)
        WHEN 'rfc6056' THEN [1024, 65535]
        WHEN 'iana' THEN [49152, 65535]
        WHEN 'freebsd' THEN [49152, 65535]
        WHEN 'linux' THEN [32768, 61000]
        WHEN 'linux-4.2' THEN [32768, 60999]
        WHEN 'windows-xp' THEN [1025, 5000]
        WHEN 'windows-server-2003' THEN [1025, 5000]
        WHEN 'windows-vista' THEN [49152, 65535]
        WHEN 'windows-server-2008' THEN [49152, 65535]
        WHEN 'nat-gateway' THEN [1024, 65535]
        ELSE error(
            'os is ' || coalesce('''' || os || '''', 'NULL')
            || '; expected one of: freebsd, iana, linux, linux-4.2, nat-gateway, rfc6056, windows-server-2003, '
            || 'windows-server-2008, windows-vista, windows-xp'
        )
    END;
