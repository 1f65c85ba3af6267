-- summary: Trino's url_extract_host.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
CREATE OR REPLACE MACRO athena_url_extract_host(url) AS
    nullif(regexp_extract(url, '^[^:/?#]+://(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]*)', 1), '');
