-- summary: Which services talk: distinct interface, protocol, addresses and ports, with the ephemeral ports left out.
-- param: os TEXT = 'linux' {rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway} -- whose range of ephemeral ports, see ephemeral_ranges
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: interface_id, protocol, srcaddr, srcport, dstaddr, dstport, action, flows, packets, bytes, first_seen, last_seen
-- tags: ephemeral, inventory
-- trap: both ends -- one row for each direction at each interface
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: one row for each direction at each interface; a port in the range is NULL
-- source: Amazon VPC user guide, ephemeral ports
CREATE OR REPLACE MACRO service_flows(
    os := 'linux', since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
SELECT
    flows.interface_id,
    protocol,
    srcaddr,
    CASE WHEN NOT is_ephemeral(srcport, os) THEN srcport END AS srcport,
    dstaddr,
    CASE WHEN NOT is_ephemeral(dstport, os) THEN dstport END AS dstport,
    upper(action) AS action,
    count(*) AS flows,
    total(packets) AS packets,
    total(bytes) AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM traffic('service_flows', ['srcaddr', 'dstaddr'], since, until, interface_id) AS flows
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY bytes DESC NULLS LAST, flows DESC, 1, 2, 3, 4, 5, 6, 7
LIMIT top;
