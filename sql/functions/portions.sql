-- summary: Records cut at the borders of buckets of time, their counters in proportion to the time in each: a long flow is not all in its first bucket.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them
-- param: bucket INTERVAL -- how long a bucket is
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
-- param: interface_id TEXT -- only what this interface saw; NULL for all
-- param: addr TEXT -- only what has an end in this range; NULL for all
CREATE OR REPLACE MACRO portions(analysis, fields, bucket, since, until, interface_id, addr) AS TABLE
WITH logged AS NOT MATERIALIZED (
    SELECT
        *,
        record_moment(start_time, end_time, date) AS first_moment,
        bucket_start(bucket, first_moment) AS first_bucket,
        -- What ends at a border has nothing behind it.
        coalesce(
            CASE
                WHEN extract(month FROM bucket::INTERVAL) + extract(year FROM bucket::INTERVAL) > 0
                    THEN end_time > first_bucket + bucket::INTERVAL
                ELSE epoch_us(end_time) > epoch_us(first_bucket) + span_us(bucket)
            END,
            false
        ) AS is_cut
    FROM traffic(analysis, fields, since, until, interface_id) AS flows
    WHERE touches(addr, srcaddr, dstaddr)
        AND check_bucket(bucket)
)

SELECT
    * EXCLUDE (first_moment, first_bucket, is_cut),
    first_bucket AS moment,
    1 AS records
FROM logged
WHERE NOT is_cut
UNION ALL BY NAME
SELECT
    * EXCLUDE (first_moment, first_bucket, is_cut, begins, ends, span, packets, bytes),
    -- What had passed by the end of a portion less what had by its beginning: rounded so, portions add up to the whole.
    (part_of(cut.packets, ends, span) - part_of(cut.packets, begins, span))::BIGINT AS packets,
    (part_of(cut.bytes, ends, span) - part_of(cut.bytes, begins, span))::BIGINT AS bytes,
    CASE WHEN moment = first_bucket THEN 1 ELSE 0 END AS records
FROM (
    SELECT
        *,
        epoch_us(end_time) - epoch_us(first_moment) AS span,
        epoch_us(greatest(moment, first_moment)) - epoch_us(first_moment) AS begins,
        epoch_us(least(moment + bucket::INTERVAL, end_time)) - epoch_us(first_moment) AS ends
    FROM (
        SELECT
            *,
            unnest(
                generate_series(
                    first_bucket, bucket_start(bucket, end_time - INTERVAL 1 MICROSECOND), bucket::INTERVAL
                )
            ) AS moment
        FROM logged
        WHERE is_cut
    )
) AS cut;
