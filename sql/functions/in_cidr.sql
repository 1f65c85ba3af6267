-- summary: Whether an address lies in a range, or in the ranges of a group; a range without a length is one address. Of either family, in any textual form.
-- param: addr TEXT -- an address; NULL gives NULL
-- param: cidr TEXT -- such as 10.0.0.0/8 or 2001:db8::/32, or what group_ranges gives; what is no range is an error; NULL gives NULL
CREATE OR REPLACE MACRO in_cidr(addr, cidr) AS
    -- The pattern is computed once; an error inside it would have it computed for every row.
    CASE
        WHEN NOT (starts_with(cidr, '^') OR is_cidr(cidr))
            THEN error('''' || cidr || ''' is no range of addresses; expected one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7')
        ELSE regexp_matches(
            CASE
                WHEN NOT contains(cidr, ':') THEN addr
                WHEN contains(addr, ':') THEN ip6_key(addr)
                WHEN starts_with(cidr, '^') THEN addr
                -- Neither true nor NULL for an IPv4 address.
                ELSE left(addr, 0)
            END,
            CASE WHEN starts_with(cidr, '^') THEN cidr ELSE cidr_pattern(cidr) END
        )
    END;
