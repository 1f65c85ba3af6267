-- summary: What a range is made of: its digits as ip_key has them, and its length in bits.
-- param: cidr TEXT -- such as 10.0.0.0/8, 2001:db8::/32, 192.0.2.7; NULL for what is no range
CREATE OR REPLACE MACRO cidr_parts(cidr) AS
    list_transform(
        list_transform(
            [string_split(cidr, '/')],
            lambda halves: struct_pack(
                halves := halves,
                digits := ip_key(halves[1]),
                bits := CASE
                    WHEN len(halves) = 1 THEN CASE WHEN contains(halves[1], ':') THEN 128 ELSE 32 END
                    WHEN regexp_full_match(halves[2], '0|[1-9][0-9]{0,2}') THEN halves[2]::INTEGER
                END
            )
        ),
        lambda net: CASE
            WHEN len(net.halves) <= 2 AND net.digits IS NOT NULL AND net.bits <= (length(net.digits) - 1) * 4
                THEN struct_pack(digits := net.digits, bits := net.bits)
        END
    )[1];
