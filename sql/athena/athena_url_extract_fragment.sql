-- summary: Trino's url_extract_fragment: what follows the number sign.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
CREATE OR REPLACE MACRO athena_url_extract_fragment(url) AS
    regexp_extract(url, '#(.*)$', 1);
