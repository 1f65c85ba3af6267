-- summary: Sources that reach unusually many destinations, or unusually many ports.
-- param: destinations INTEGER 1.. = 50 -- how many destinations are many
-- param: ports INTEGER 1.. = 20 -- how many ports are many
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: srcaddr, destinations, ports, flows, rejected, packets, bytes, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- destinations and ports count once, however many interfaces log them; flows, packets and bytes count at both
-- trap: nat -- what lies behind a NAT gateway is at its own interfaces each source by itself, and beyond it one source
-- trap: windows -- destinations and ports count once, however many records they have
-- trap: replies -- the answers of a server do not count
-- trap: no data -- left out
-- counts: destinations are distinct addresses that the source sent requests to, ports the distinct ports of these requests, of all destinations together, accepted or refused; a source is a row if it has as many of either
-- counts: a request has SYN without ACK in its flags; without SYN it goes from an ephemeral port to a well-known one, else from a port that is not in services to one that is, else to the lower port; what has no ports, such as ICMP, has equal ones, or has two of the range of ephemeral ports and no SYN in its flags, does not count
-- source: fan-out of SiLK's and nfdump's scan reports; MITRE ATT&CK T1046
CREATE OR REPLACE MACRO fan_out(
    destinations := 50, ports := 20, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH sources AS (
    SELECT
        srcaddr,
        count(DISTINCT dstaddr) AS destinations,
        count(DISTINCT dstport) AS ports,
        count(*) AS flows,
        count(*) FILTER (WHERE upper(action) = 'REJECT') AS rejected,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('fan_out', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id) AS flows
    WHERE is_request(srcport, dstport, tcp_flags)
        AND srcaddr IS NOT NULL
        AND check_number('destinations', destinations, 1)
        AND check_number('ports', ports, 1)
    GROUP BY srcaddr
)

SELECT *
FROM sources
WHERE sources.destinations >= destinations
    OR sources.ports >= ports
ORDER BY sources.destinations DESC, sources.ports DESC, srcaddr
LIMIT top;
