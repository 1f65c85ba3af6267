-- summary: A text as Trino's IPADDRESS: the text itself, or NULL for what is no address.
-- param: addr ANY -- a text
CREATE OR REPLACE MACRO athena_try_ip(addr) AS
    CASE WHEN ip_key(addr::VARCHAR) IS NOT NULL THEN addr::VARCHAR END;
