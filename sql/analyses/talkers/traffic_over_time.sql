-- summary: Packets and bytes in every bucket of time, long flows spread over the time they took.
-- param: bucket INTERVAL = '1 hour' -- how long a bucket is
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only flows of which an end lies in it
-- param: top INTEGER = NULL -- how many rows; NULL for every row
-- needs: start, bytes
-- columns: moment, flows, packets, bytes, accepted_bytes, rejected_bytes, bits_per_second
-- tags: traffic
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- a record counts in proportion to its time in each bucket, and as a flow in that of its start
-- trap: no data -- left out; a bucket without traffic between two with it has 0
-- counts: what a flow that started before until carried after it is in the buckets after it, so that no byte is lost
-- counts: what a record had carried by the end of a bucket is rounded, so that its buckets add up to it
-- answers: Tailpipe: Daily Network Traffic Trends | bucket := '1 day'
-- source: SiLK, rwcount with a load scheme in proportion to time; Akvorado
CREATE OR REPLACE MACRO traffic_over_time(
    bucket := '1 hour', since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := NULL
) AS TABLE
WITH sums AS (
    SELECT
        moment,
        total(records) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        total(CASE WHEN upper(action) = 'ACCEPT' THEN bytes END) AS accepted_bytes,
        total(CASE WHEN upper(action) = 'REJECT' THEN bytes END) AS rejected_bytes
    FROM portions('traffic_over_time', ['start', 'bytes'], bucket, since, until, interface_id, addr)
    GROUP BY moment
),

moments AS (
    SELECT unnest(generate_series(min(moment), max(moment), bucket::INTERVAL)) AS moment
    FROM sums
)

SELECT
    moments.moment,
    coalesce(flows, 0) AS flows,
    coalesce(packets, 0) AS packets,
    coalesce(bytes, 0) AS bytes,
    coalesce(accepted_bytes, 0) AS accepted_bytes,
    coalesce(rejected_bytes, 0) AS rejected_bytes,
    round(coalesce(bytes, 0) * 8.0 / (epoch(moments.moment + bucket::INTERVAL) - epoch(moments.moment)), 3) AS bits_per_second
FROM moments
LEFT JOIN sums ON moments.moment = sums.moment
ORDER BY moments.moment
LIMIT top;
