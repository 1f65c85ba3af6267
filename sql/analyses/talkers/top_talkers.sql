-- summary: Who sends, receives or carries most, with its share of all traffic.
-- param: by TEXT = 'srcaddr' {srcaddr, dstaddr, pair, conversation, interface_id, dstport, protocol} -- what to add up by
-- param: metric TEXT = 'bytes' {bytes, packets, flows} -- what to rank and share by
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: the key, flows, packets, bytes, share, cumulative_share, first_seen, last_seen
-- tags: traffic
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: records as they were logged: traffic that two interfaces saw counts at both, unless interface_id names one; pair is srcaddr and dstaddr; conversation (protocol, server, server_port, client, client_port) has both directions as one, the server being the end with the lower port
-- source: console query VpcFlowLogsTopTalkers; CloudWatch sample, top source and destination pairs
CREATE OR REPLACE MACRO top_talkers(
    "by" := 'srcaddr', metric := 'bytes', since := NULL, until := NULL, interface_id := NULL, top := 10
) AS TABLE
WITH ends AS (
    SELECT
        flows.interface_id,
        protocol,
        srcaddr,
        srcport,
        dstaddr,
        dstport,
        packets,
        bytes,
        start_time,
        coalesce(srcport < dstport OR (srcport = dstport AND srcaddr <= dstaddr), srcaddr <= dstaddr) AS server_sends
    FROM traffic('top_talkers', ['srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE one_of('by', "by", ['srcaddr', 'dstaddr', 'pair', 'conversation', 'interface_id', 'dstport', 'protocol'])
        AND one_of('metric', metric, ['bytes', 'packets', 'flows'])
),

keyed AS (
    SELECT
        *,
        CASE WHEN server_sends THEN srcaddr ELSE dstaddr END AS "server",
        CASE WHEN server_sends THEN srcport ELSE dstport END AS server_port,
        CASE WHEN server_sends THEN dstaddr ELSE srcaddr END AS client,
        CASE WHEN server_sends THEN dstport ELSE srcport END AS client_port
    FROM ends
),

sums AS (
    SELECT
        COLUMNS(
            lambda c: CASE "by"
                WHEN 'pair' THEN c IN ('srcaddr', 'dstaddr')
                WHEN 'conversation' THEN c IN ('server', 'server_port', 'client', 'client_port', 'protocol')
                WHEN 'dstaddr' THEN c = 'dstaddr'
                WHEN 'interface_id' THEN c = 'interface_id'
                WHEN 'dstport' THEN c = 'dstport'
                WHEN 'protocol' THEN c = 'protocol'
                ELSE c = 'srcaddr'
            END
        ),
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        CASE metric WHEN 'packets' THEN total(packets) WHEN 'flows' THEN count(*) ELSE total(bytes) END AS amount,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM keyed
    GROUP BY ALL
),

top_sums AS (
    SELECT
        *,
        row(*COLUMNS(* EXCLUDE (flows, packets, bytes, amount, first_seen, last_seen))) AS "key"
    FROM sums
    ORDER BY amount DESC NULLS LAST, "key"
    LIMIT top
),

total AS (
    SELECT nullif(sum(amount), 0) AS amount
    FROM sums
)

SELECT
    top_sums.* EXCLUDE (amount, "key", first_seen, last_seen),
    round(top_sums.amount / total.amount, 6) AS share,
    round(
        sum(top_sums.amount) OVER (ORDER BY top_sums.amount DESC NULLS LAST, "key" ROWS UNBOUNDED PRECEDING)
        / total.amount,
        6
    ) AS cumulative_share,
    first_seen,
    last_seen
FROM top_sums
CROSS JOIN total
ORDER BY top_sums.amount DESC NULLS LAST, "key";
