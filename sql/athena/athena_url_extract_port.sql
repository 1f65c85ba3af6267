-- summary: Trino's url_extract_port: NULL where there is none.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
CREATE OR REPLACE MACRO athena_url_extract_port(url) AS
    nullif(regexp_extract(url, '^[^:/?#]+://(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^:/?#]*):([0-9]+)', 1), '')::BIGINT;
