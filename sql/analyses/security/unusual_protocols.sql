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
        flows.protocol,
        srcaddr,
        dstaddr,
        count(*) AS flows,
        count(*) FILTER (WHERE upper(action) = 'ACCEPT') AS accepted,
        count(*) FILTER (WHERE upper(action) = 'REJECT') AS rejected,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('unusual_protocols', ['protocol', 'srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE NOT list_contains(coalesce(protocols, []), flows.protocol)
    GROUP BY 1, 2, 3
)

SELECT
    protocol,
    protocol_name(protocol) AS name,
    pairs.* EXCLUDE (protocol)
FROM pairs
ORDER BY bytes DESC NULLS LAST, pairs.flows DESC, protocol, srcaddr, dstaddr
LIMIT top;
