-- summary: Trino's url_extract_protocol.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
CREATE OR REPLACE MACRO athena_url_extract_protocol(url) AS
    nullif(regexp_extract(url, '^([A-Za-z][A-Za-z0-9+.-]*):', 1), '');
