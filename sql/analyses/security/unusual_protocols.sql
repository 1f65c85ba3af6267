-- summary: Traffic of other protocols than the usual ones, TCP, UDP, ICMP and ICMPv6.
-- param: protocols INTEGER[] 0..255 = [6, 17, 1, 58] -- the numbers of the usual protocols
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: protocol, srcaddr, dstaddr
-- columns: protocol, name, srcaddr, dstaddr, flows, accepted, rejected, packets, bytes, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: a row is a protocol and a direction between two addresses; records without a protocol do not count
-- answers: Tailpipe: traffic_with_unusual_protocols
-- source: IANA, protocol numbers; MITRE ATT&CK T1095
CREATE OR REPLACE MACRO unusual_protocols(
    protocols := [6, 17, 1, 58], since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH pairs AS (
    SELECT
        records.protocol,
        srcaddr,
        dstaddr,
        sum(records.flows)::BIGINT AS flows,
        sum(CASE WHEN upper(action) = 'ACCEPT' THEN records.flows ELSE 0 END)::BIGINT AS accepted,
        sum(CASE WHEN upper(action) = 'REJECT' THEN records.flows ELSE 0 END)::BIGINT AS rejected,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(first_start) AS first_seen,
        max(last_start) AS last_seen
    FROM summed_traffic(
        'unusual_protocols', ['protocol', 'srcaddr', 'dstaddr'], true, since, until, interface_id
    ) AS records
    WHERE NOT list_contains(coalesce(protocols, []), records.protocol)
    GROUP BY 1, 2, 3
)

SELECT
    protocol,
    protocol_name(protocol) AS name,
    pairs.* EXCLUDE (protocol)
FROM pairs
ORDER BY bytes DESC NULLS LAST, pairs.flows DESC, protocol, srcaddr, dstaddr
LIMIT top;
