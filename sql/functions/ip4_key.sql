-- summary: The eight hexadecimal digits of an IPv4 address; NULL for what is none.
-- param: addr TEXT -- four numbers from 0 to 255 with dots between
CREATE OR REPLACE MACRO ip4_key(addr) AS
    CASE
        WHEN regexp_full_match(addr, '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.|\z)){4}') AND NOT ends_with(addr, '.')
            THEN format(
                '{:08x}',
                string_split(addr, '.')[1]::BIGINT * 16777216 + string_split(addr, '.')[2]::BIGINT * 65536
                + string_split(addr, '.')[3]::BIGINT * 256 + string_split(addr, '.')[4]::BIGINT
            )
    END;
