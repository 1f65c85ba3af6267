-- summary: Whether an address is of a network of one's own, not of the Internet: private, shared (a carrier's NAT), link-local or loopback, of either family.
-- param: addr TEXT -- an address, in any textual form; NULL gives NULL, and so does a text with neither dot nor colon; IPv4 addresses are told by how they begin
-- source: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291, RFC 1122
CREATE OR REPLACE MACRO is_private(addr) AS
    CASE
        WHEN contains(addr, ':') THEN regexp_matches(ip6_key(addr), '^(f[cd]|fe[89ab]|0{31}1$)')
        -- Patterns of LIKE, which are compared five times as fast as one regular expression.
        WHEN contains(addr, '.') THEN
            addr LIKE '10.%' OR addr LIKE '192.168.%' OR addr LIKE '169.254.%' OR addr LIKE '127.%'
            OR (
                starts_with(addr, '172.')
                AND (
                    addr LIKE '172.16.%' OR addr LIKE '172.17.%' OR addr LIKE '172.18.%' OR addr LIKE '172.19.%'
                    OR addr LIKE '172.2_.%' OR addr LIKE '172.30.%' OR addr LIKE '172.31.%'
                )
            )
            OR (
                starts_with(addr, '100.')
                AND try_cast(split_part(addr, '.', 2) AS INTEGER) BETWEEN 64 AND 127
            )
    END;
