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
                SELECT arg_max(flowdb_listed.flowdb_dollars, coalesce(flowdb_listed.flowdb_day, DATE '0001-01-01'))
                FROM (
                    SELECT
                        prices.item AS flowdb_thing,
                        prices.region AS flowdb_area,
                        prices.as_of AS flowdb_day,
                        prices.dollars::DOUBLE AS flowdb_dollars
                    FROM prices
                ) AS flowdb_listed
                WHERE flowdb_listed.flowdb_thing = goods AND flowdb_listed.flowdb_area = coalesce(place, 'us-east-1')
            )
        ),
        6
    );
