-- summary: Who uses ports of administration: remote shells and desktops, control panels, container and cluster managers.
-- param: ports INTEGER[] 0..65535 = NULL -- the ports; NULL for the group 'admin' in port_groups
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: srcaddr, dstaddr, dstport, protocol, service, flows, accepted, rejected, packets, bytes, bytes_back, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: nat -- a connection through a NAT gateway or a load balancer is that of the client with it, and its own with the service
-- trap: windows -- summed
-- trap: replies -- an answer is not a row: its bytes are bytes_back of the row of its request, where it was logged
-- trap: no data -- left out
-- counts: a row is a client, a server and its port, and counts the records from the client to the port, refused ones too; flows is all of them, also those without an action
-- counts: the client is the end that sent SYN without ACK, else the one whose port is neither asked for nor in services, else the one with the higher port
-- answers: VPC console: VpcFlowLogsAdminPortTraffic
-- source: console query VpcFlowLogsAdminPortTraffic, whose ports AWS does not list
CREATE OR REPLACE MACRO admin_ports(
    ports := NULL, since := NULL, until := NULL, interface_id := NULL, top := 10
) AS TABLE
SELECT
    srcaddr,
    dstaddr,
    dstport,
    protocol,
    service_name(dstport, protocol) AS service,
    asked.flows,
    accepted,
    rejected,
    packets,
    bytes,
    bytes_back,
    first_seen,
    last_seen
FROM port_traffic(
    'admin_ports', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], ports, 'admin', since, until, interface_id
) AS asked
ORDER BY bytes DESC NULLS LAST, asked.flows DESC, srcaddr, dstaddr, dstport, protocol
LIMIT top;
