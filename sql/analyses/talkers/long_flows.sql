-- summary: Connections that lasted longest without a pause.
-- param: minimum INTERVAL 0.. = '1 hour' -- how long a connection lasts at least
-- param: pause INTERVAL 0.. = '15 minutes' -- after how long without a record it is another one, whose ports are used again
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only flows of which an end lies in it
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, start
-- columns: srcaddr, srcport, dstaddr, dstport, protocol, seconds, first_seen, last_seen, packets, bytes, flows
-- tags: traffic, security, detection
-- trap: both ends -- once: of what several interfaces logged the largest sum counts
-- trap: nat -- the private leg is a row of the packets' own addresses, where logs have them; the gateway's own leg is another
-- trap: primary address -- the ends are those of the packets, where logs have them
-- trap: windows -- records of one direction with no longer pause between them are one connection
-- trap: no data -- left out
-- counts: one row for each direction; portless protocols are one connection for each pair of hosts; refused traffic counts too
-- counts: flows are records at all interfaces; seconds are from the first start to the last end, which is last_seen
CREATE OR REPLACE MACRO long_flows(
    minimum := '1 hour', pause := '15 minutes', since := NULL, until := NULL, interface_id := NULL, addr := NULL,
    top := 10
) AS TABLE
WITH logged AS (
    SELECT
        flows.interface_id AS seen_at,
        coalesce(pkt_srcaddr, flows.srcaddr) AS srcaddr,
        srcport,
        coalesce(pkt_dstaddr, flows.dstaddr) AS dstaddr,
        dstport,
        protocol,
        start_time,
        coalesce(end_time, start_time) AS end_time,
        packets,
        bytes
    FROM traffic('long_flows', ['srcaddr', 'dstaddr', 'start'], since, until, interface_id) AS flows
    WHERE flows.srcaddr IS NOT NULL
        AND start_time IS NOT NULL
        AND touches(addr, coalesce(pkt_srcaddr, flows.srcaddr), coalesce(pkt_dstaddr, flows.dstaddr))
),

-- Most connections are too short whatever their pauses: only the others are looked at record by record.
candidates AS (
    SELECT srcaddr, srcport, dstaddr, dstport, protocol
    FROM logged
    GROUP BY ALL
    HAVING max(end_time) - min(start_time) >= minimum::INTERVAL
),

marked AS (
    SELECT
        logged.*,
        start_time > max(end_time) OVER earlier + pause::INTERVAL AS begins
    FROM logged
    SEMI JOIN candidates
        ON logged.srcaddr = candidates.srcaddr
        AND logged.srcport IS NOT DISTINCT FROM candidates.srcport
        AND logged.dstaddr IS NOT DISTINCT FROM candidates.dstaddr
        AND logged.dstport IS NOT DISTINCT FROM candidates.dstport
        AND logged.protocol IS NOT DISTINCT FROM candidates.protocol
    WINDOW earlier AS (
        PARTITION BY srcaddr, srcport, dstaddr, dstport, protocol
        ORDER BY start_time, end_time
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE begins) OVER (
            PARTITION BY srcaddr, srcport, dstaddr, dstport, protocol
            ORDER BY start_time, end_time
            ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM marked
),

sides AS (
    SELECT
        srcaddr,
        srcport,
        dstaddr,
        dstport,
        protocol,
        number,
        seen_at,
        min(start_time) AS first_seen,
        max(end_time) AS last_seen,
        total(packets) AS packets,
        total(bytes) AS bytes,
        count(*) AS flows
    FROM numbered
    GROUP BY ALL
)

SELECT
    srcaddr,
    srcport,
    dstaddr,
    dstport,
    protocol,
    round(epoch(max(last_seen)) - epoch(min(first_seen)), 3) AS seconds,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen,
    max(packets) AS packets,
    max(bytes) AS bytes,
    total(flows) AS flows
FROM sides
GROUP BY srcaddr, srcport, dstaddr, dstport, protocol, number
HAVING max(last_seen) - min(first_seen) >= minimum::INTERVAL
ORDER BY seconds DESC, first_seen, srcaddr, srcport, dstaddr, dstport, protocol
LIMIT top;
