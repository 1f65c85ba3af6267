-- summary: The rate of each key over time: mean, 95th percentile, peak, and when that was.
-- param: by KEYS = 'srcaddr' {srcaddr, dstaddr, pair, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action} -- what to add up by; two keys are two columns, in the order that flows has them
-- param: bucket INTERVAL = '5 minutes' -- over how long a rate is taken
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only flows of which an end lies in it
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: start, bytes
-- columns: the key, bytes, busy_buckets, buckets, mean_bps, p95_bps, peak_bps, peak_at, peak_to_mean
-- tags: traffic, capacity
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- a record counts in proportion to its time in each bucket
-- trap: no data -- left out; a bucket without traffic counts with a rate of 0
-- counts: buckets are all those from the first to the last with any traffic in the window; rates are bits per second; the 95th percentile is the rate that 95 of 100 buckets do not exceed, as carriers bill
-- source: Akvorado; burstable billing
CREATE OR REPLACE MACRO bursts(
    "by" := 'srcaddr', bucket := '5 minutes', since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 10
) AS TABLE
WITH cells AS (
    SELECT
        COLUMNS(lambda c: is_key(c, "by", known_keys())),
        moment,
        total(bytes) AS bytes
    FROM portions('bursts', ['start', 'bytes'], bucket, since, until, interface_id, addr)
    WHERE needs('bursts', key_fields("by", known_keys()), since, until)
        AND check_keys('by', "by", list_concat(known_keys(), ['pair', 'pkt_pair']))
    GROUP BY ALL
),

length AS (
    SELECT
        -- Of a month, whose length differs, that of the first.
        epoch(min(moment) + bucket::INTERVAL) - epoch(min(moment)) AS seconds,
        round((epoch(max(moment)) - epoch(min(moment))) / (epoch(min(moment) + bucket::INTERVAL) - epoch(min(moment))))::BIGINT + 1 AS buckets
    FROM cells
),

sums AS (
    SELECT
        COLUMNS(* EXCLUDE (moment, bytes)),
        total(bytes) AS bytes,
        count(*) FILTER (WHERE bytes > 0) AS busy_buckets,
        list_sort(list(coalesce(bytes, 0))) AS ordered,
        max(bytes) AS peak,
        arg_min(moment, (-bytes, moment)) AS peak_at
    FROM cells
    GROUP BY ALL
),

ranked AS (
    SELECT
        *,
        row(*COLUMNS(* EXCLUDE (bytes, busy_buckets, ordered, peak, peak_at))) AS "key"
    FROM sums
)

SELECT
    ranked.* EXCLUDE (bytes, busy_buckets, ordered, peak, peak_at, "key"),
    bytes,
    busy_buckets,
    buckets,
    round(bytes * 8.0 / (buckets * seconds), 3) AS mean_bps,
    -- The nearest rank among all buckets, of which those that are not in the list have nothing.
    round(coalesce(ordered[greatest(ceil(0.95 * buckets) - (buckets - len(ordered)), 0)::BIGINT], 0) * 8.0 / seconds, 3) AS p95_bps,
    round(peak * 8.0 / seconds, 3) AS peak_bps,
    peak_at,
    round(peak::HUGEINT * buckets / nullif(bytes, 0), 3) AS peak_to_mean
FROM ranked
CROSS JOIN length
ORDER BY peak DESC NULLS LAST, bytes DESC NULLS LAST, "key"
LIMIT top;
