-- summary: A regular expression for the texts of the addresses of an IPv4 range. Without a lambda: Spark computes it once for a range that is written out.
-- param: cidr TEXT -- such as 10.0.0.0/8, 192.0.2.7; bits beyond its length do not matter
-- param: bits INTEGER -- its length
CREATE OR REPLACE MACRO cidr4_pattern(cidr, bits) AS
    CASE
        WHEN bits = 0 THEN '^[^:]*$'
        -- Whole octets as they are (of none DuckDB 1 makes NULL), one that the length cuts as all that it may be.
        ELSE '^' || coalesce(array_to_string(list_slice(cidr4_octets(cidr), 1, bits // 8), '\.'), '')
            || CASE WHEN bits BETWEEN 8 AND 31 THEN '\.' ELSE '' END
            || CASE
                WHEN bits % 8 = 0 THEN ''
                ELSE '(' || array_to_string(
                    generate_series(
                        cut_bits(cidr4_octets(cidr)[bits // 8 + 1]::INTEGER, 8 - bits % 8, false),
                        cut_bits(cidr4_octets(cidr)[bits // 8 + 1]::INTEGER, 8 - bits % 8, true)
                    )::VARCHAR[],
                    '|'
                ) || CASE WHEN bits < 24 THEN ')\.' ELSE ')$' END
            END
            || CASE WHEN bits = 32 THEN '$' ELSE '' END
    END;
