-- summary: A text as Trino's IPADDRESS: the text itself, or an error for what does not look like an address.
-- param: addr ANY -- a text
CREATE OR REPLACE MACRO athena_ip(addr) AS
    coalesce(
        athena_try_ip(addr),
        CASE WHEN addr IS NOT NULL THEN error('''' || addr::VARCHAR || ''' is no IP address') END
    );
