-- summary: What moving bytes costs, in dollars by the price table; NULL where that has no price for the region.
-- param: bytes BIGINT -- bytes
-- param: goods TEXT -- an item of prices
-- param: place TEXT -- a region of prices; NULL for us-east-1
-- param: per_gb DOUBLE -- a price for a GB that counts in place of the table's; NULL for the table's
CREATE OR REPLACE MACRO dollars_for(bytes, goods, place, per_gb) AS
    round(
        gigabytes(bytes) * coalesce(
            per_gb,
            (
                SELECT arg_max(listed.dollars, coalesce(listed.day, DATE '0001-01-01'))
                FROM (
                    SELECT
                        prices.item AS thing,
                        prices.region AS area,
                        prices.as_of AS day,
                        prices.dollars::DOUBLE AS dollars
                    FROM prices
                ) AS listed
                WHERE listed.thing = goods AND listed.area = coalesce(place, 'us-east-1')
            )
        ),
        6
    );
