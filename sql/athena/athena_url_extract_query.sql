-- summary: Trino's url_extract_query: what follows the question mark.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
CREATE OR REPLACE MACRO athena_url_extract_query(url) AS
    regexp_extract(url, '^[^?#]*\?([^#]*)', 1);
