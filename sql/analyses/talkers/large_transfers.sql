-- summary: Pairs of hosts between which more than a threshold was carried.
-- param: threshold INTEGER = 1073741824 -- bytes in both directions together; 1 GiB
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only pairs of which an end lies in it
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, bytes
-- columns: addr_a, addr_b, bytes, bytes_a_to_b, bytes_b_to_a, packets, connections, first_seen, last_seen
-- tags: traffic, security, detection
-- trap: both ends -- once: of what several interfaces logged of one direction of a connection the largest sum counts
-- trap: nat -- the private leg is a pair of the packets' own addresses, where logs have them; the gateway's own leg is a pair of its own
-- trap: primary address -- the ends are those of the packets, where logs have them
-- trap: windows -- summed, so that a transfer counts however many records it is
-- trap: no data -- left out
-- counts: addr_a is the one of the two that sorts first, as text; last_seen is the last end; connections are distinct protocols and pairs of ports; refused traffic counts too
-- answers: Tailpipe: Unusually Large Data Transfers
-- answers: Tailpipe: large_data_transfer
CREATE OR REPLACE MACRO large_transfers(
    threshold := 1073741824, since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 100
) AS TABLE
WITH sides AS (
    SELECT
        flows.interface_id AS seen_at,
        coalesce(pkt_srcaddr, srcaddr) AS source,
        srcport,
        coalesce(pkt_dstaddr, dstaddr) AS target,
        dstport,
        protocol,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(coalesce(end_time, start_time)) AS last_seen
    FROM traffic('large_transfers', ['srcaddr', 'dstaddr', 'bytes'], since, until, interface_id) AS flows
    WHERE srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND touches(addr, coalesce(pkt_srcaddr, srcaddr), coalesce(pkt_dstaddr, dstaddr))
        AND check_number('threshold', threshold, 0)
    GROUP BY ALL
),

once AS (
    SELECT
        source,
        srcport,
        target,
        dstport,
        protocol,
        max(packets) AS packets,
        max(bytes) AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM sides
    GROUP BY ALL
)

SELECT
    least(source, target) AS addr_a,
    greatest(source, target) AS addr_b,
    total(bytes) AS bytes,
    coalesce(total(CASE WHEN source <= target THEN bytes END), 0) AS bytes_a_to_b,
    coalesce(total(CASE WHEN source > target THEN bytes END), 0) AS bytes_b_to_a,
    total(packets) AS packets,
    count(DISTINCT (
        protocol,
        CASE WHEN source <= target THEN srcport ELSE dstport END,
        CASE WHEN source <= target THEN dstport ELSE srcport END
    )) AS connections,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM once
GROUP BY addr_a, addr_b
HAVING sum(bytes) > threshold
ORDER BY bytes DESC, addr_a, addr_b
LIMIT top;
