-- summary: A regular expression for the addresses of a range: for their texts if they are IPv4, for their ip6_key if IPv6.
-- param: cidr TEXT -- such as 10.0.0.0/8; bits beyond its length do not matter; NULL for what is no range
CREATE OR REPLACE MACRO cidr_pattern(cidr) AS
    CASE
        WHEN contains(cidr, ':') THEN list_transform(
            [cidr_parts(cidr)],
            lambda net: CASE
                WHEN net.bits = 0 THEN '^.'
                ELSE '^' || substr(net.digits, 2, net.bits // 4)
                    || CASE
                        WHEN net.bits % 4 = 0 THEN ''
                        ELSE '[' || cut_digit(substr(net.digits, 2 + net.bits // 4, 1), 4 - net.bits % 4, false)
                            || '-' || cut_digit(substr(net.digits, 2 + net.bits // 4, 1), 4 - net.bits % 4, true) || ']'
                    END
            END
        )[1]
        WHEN is_cidr(cidr) THEN cidr4_pattern(cidr, coalesce(string_split(cidr, '/')[2], '32')::INTEGER)
    END;
