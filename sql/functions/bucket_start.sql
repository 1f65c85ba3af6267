-- summary: The beginning of the bucket of time that a moment is in, as time_bucket has it; of buckets that are no months, by integers alone, which is fast.
-- param: bucket INTERVAL -- how long a bucket is
-- param: moment TIMESTAMP -- a moment since 1970
CREATE OR REPLACE MACRO bucket_start(bucket, moment) AS
    CASE
        WHEN extract(month FROM bucket::INTERVAL) + extract(year FROM bucket::INTERVAL) > 0 THEN time_bucket(bucket::INTERVAL, moment)
        -- Buckets begin with the Monday after the year 2000 did.
        ELSE make_timestamp(
            epoch_us(moment)
            - (epoch_us(moment) + span_us(bucket) - 946857600000000 % span_us(bucket)) % span_us(bucket)
        )
    END;
