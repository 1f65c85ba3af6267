-- summary: Records cut at the borders of buckets of time, their counters in proportion to the time in each: a long flow is not all in its first bucket.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them
-- param: bucket INTERVAL -- how long a bucket is
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
-- param: interface_id TEXT -- only what this interface saw; NULL for all
-- param: addr TEXT -- only what has an end in this range; NULL for all
CREATE OR REPLACE MACRO portions(analysis, fields, bucket, since, until, interface_id, addr) AS TABLE
WITH logged AS (
    SELECT
        * EXCLUDE (packets, bytes),
        packets AS all_packets,
        bytes AS all_bytes,
        epoch_us(record_moment(start_time, end_time, date)) AS first_us,
        greatest(coalesce(epoch_us(end_time), first_us), first_us) AS last_us,
        time_bucket(bucket::INTERVAL, make_timestamp(first_us)) AS first_bucket,
        -- What ends at a border has nothing behind it.
        time_bucket(bucket::INTERVAL, make_timestamp(greatest(last_us - 1, first_us))) AS last_bucket
    FROM traffic(analysis, fields, since, until, interface_id) AS flows
    WHERE touches(addr, srcaddr, dstaddr)
)

SELECT
    *,
    first_bucket AS moment,
    all_packets AS packets,
    all_bytes AS bytes,
    1 AS records
FROM logged
WHERE first_bucket = last_bucket
UNION ALL BY NAME
SELECT
    * EXCLUDE (begins, ends),
    -- What had passed by the end of a portion less what had by its beginning: rounded so, portions add up to the whole.
    (round(all_packets * (ends - first_us) / (last_us - first_us)) - round(all_packets * (begins - first_us) / (last_us - first_us)))::BIGINT AS packets,
    (round(all_bytes * (ends - first_us) / (last_us - first_us)) - round(all_bytes * (begins - first_us) / (last_us - first_us)))::BIGINT AS bytes,
    CASE WHEN moment = first_bucket THEN 1 ELSE 0 END AS records
FROM (
    SELECT
        *,
        greatest(epoch_us(moment), first_us)::DOUBLE AS begins,
        least(epoch_us(moment + bucket::INTERVAL), last_us)::DOUBLE AS ends
    FROM (
        SELECT
            *,
            unnest(generate_series(first_bucket, last_bucket, bucket::INTERVAL)) AS moment
        FROM logged
        WHERE first_bucket < last_bucket
    )
);
