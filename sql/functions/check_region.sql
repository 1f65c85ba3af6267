-- summary: True where the price table has a region or none is asked for, else an error that lists its regions.
-- param: given TEXT -- a region; NULL is true
CREATE OR REPLACE MACRO check_region(given) AS
    given IS NULL
    OR one_of(
        'region',
        given,
        (SELECT list(DISTINCT listed.area ORDER BY listed.area) FROM (SELECT prices.region AS area FROM prices) AS listed)
    );
