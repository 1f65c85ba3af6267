-- summary: Trino's url_extract_parameter: the first value of a parameter, NULL where there is none.
-- param: url TEXT -- an address such as https://example.com:8443/a?b=c#d
-- param: name TEXT -- the name of a parameter
CREATE OR REPLACE MACRO athena_url_extract_parameter(url, name) AS
    url_decode(
        list_filter(string_split(athena_url_extract_query(url), '&'), lambda athena_item: string_split(athena_item, '=')[1] = name)[1][len(name) + 2:]
    );
