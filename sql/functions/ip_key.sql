-- summary: An address as a text that sorts as addresses do: its family, 4 or 6, and its hexadecimal digits; NULL for what is no address.
-- param: addr TEXT -- an IPv4 or IPv6 address, in any textual form
CREATE OR REPLACE MACRO ip_key(addr) AS
    CASE WHEN contains(addr, ':') THEN '6' || ip6_key(addr) ELSE '4' || ip4_key(addr) END;
