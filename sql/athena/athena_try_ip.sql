-- summary: A text as Trino's IPADDRESS: the text itself, or NULL for what does not look like an address.
-- param: addr ANY -- a text
CREATE OR REPLACE MACRO athena_try_ip(addr) AS
    CASE
        WHEN regexp_full_match(
            addr::VARCHAR,
            '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])([.](25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*'
        ) THEN addr::VARCHAR
    END;
