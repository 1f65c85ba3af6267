-- summary: A text as Trino's IPADDRESS: the text itself, or an error for what is no address.
-- param: addr ANY -- a text
CREATE OR REPLACE MACRO athena_ip(addr) AS
    CASE
        WHEN ip_key(addr::VARCHAR) IS NOT NULL OR addr IS NULL THEN addr::VARCHAR
        ELSE error('''' || addr::VARCHAR || ''' is no IP address')
    END;
