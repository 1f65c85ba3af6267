-- summary: The family of an address, 4 or 6; NULL for what is no address.
-- param: addr TEXT -- an address, in any textual form; NULL gives NULL
CREATE OR REPLACE MACRO ip_family(addr) AS
    CASE
        WHEN contains(addr, ':') THEN CASE WHEN ip6_key(addr) IS NOT NULL THEN 6 END
        WHEN regexp_full_match(addr, '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.|\z)){4}') AND NOT ends_with(addr, '.') THEN 4
    END;
