-- summary: A regular expression for the addresses of a range: for their texts if they are IPv4, for their ip6_key if IPv6.
-- param: cidr TEXT -- such as 10.0.0.0/8; bits beyond its length do not matter; NULL for what is no range
CREATE OR REPLACE MACRO cidr_pattern(cidr) AS
    list_transform(
        [cidr_parts(cidr)],
        lambda net: CASE
            WHEN net.bits = 0 THEN CASE WHEN starts_with(net.digits, '6') THEN '^.' ELSE '^[^:]*$' END
            WHEN starts_with(net.digits, '6') THEN
                '^' || substr(net.digits, 2, net.bits // 4)
                || CASE
                    WHEN net.bits % 4 = 0 THEN ''
                    ELSE '[' || cut_digit(substr(net.digits, 2 + net.bits // 4, 1), 4 - net.bits % 4, false)
                        || '-' || cut_digit(substr(net.digits, 2 + net.bits // 4, 1), 4 - net.bits % 4, true) || ']'
                END
            -- Whole octets as they are (of none DuckDB 1 makes NULL), one that the length cuts as all that it may be.
            ELSE '^' || coalesce(array_to_string(list_slice(net.octets, 1, net.bits // 8), '\.'), '')
                || CASE WHEN net.bits BETWEEN 8 AND 31 THEN '\.' ELSE '' END
                || CASE
                    WHEN net.bits % 8 = 0 THEN ''
                    ELSE '(' || array_to_string(
                        list_transform(
                            generate_series(
                                cut_bits(net.octets[net.bits // 8 + 1]::INTEGER, 8 - net.bits % 8, false),
                                cut_bits(net.octets[net.bits // 8 + 1]::INTEGER, 8 - net.bits % 8, true)
                            ),
                            lambda octet: octet::VARCHAR
                        ),
                        '|'
                    ) || CASE WHEN net.bits < 24 THEN ')\.' ELSE ')$' END
                END
                || CASE WHEN net.bits = 32 THEN '$' ELSE '' END
        END
    )[1];
