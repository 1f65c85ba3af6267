-- summary: All traffic between two addresses or ranges, by direction, protocol, service port and action.
-- param: a CIDR -- an address or a range
-- param: b CIDR -- the other address or range
-- param: dedup BOOLEAN = true -- count a flow that several interfaces saw as often as the one that saw most of it
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: direction, protocol, port, service, action, flows, packets, bytes, first_seen, last_seen
-- tags: traffic, troubleshooting
-- trap: both ends -- counted once: the highest of the interfaces' sums for each pair of addresses and ports, protocol and action; with dedup false, at both
-- trap: nat -- what a NAT gateway logs has its own address, and is other traffic
-- trap: replies -- an answer is traffic in the other direction, at the same port
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: port is the lower one of a flow, the service's; where ranges overlap, a record that goes both ways is from a to b
-- source: awslabs, AWS security analytics bootstrap: all records between two addresses, with their direction
CREATE OR REPLACE MACRO traffic_between(
    a, b, dedup := true, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH sums AS (
    SELECT
        flows.interface_id,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        protocol,
        upper(action) AS action,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('traffic_between', ['srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE (in_cidr(srcaddr, a) AND in_cidr(dstaddr, b))
        OR (in_cidr(srcaddr, b) AND in_cidr(dstaddr, a))
    GROUP BY flows.interface_id, srcaddr, dstaddr, srcport, dstport, protocol, upper(action)
),

once AS (
    SELECT
        CASE WHEN in_cidr(srcaddr, a) AND in_cidr(dstaddr, b) THEN 'a to b' ELSE 'b to a' END AS direction,
        protocol,
        service_port(srcport, dstport) AS port,
        action,
        CASE WHEN dedup THEN max(flows) ELSE sum(flows)::BIGINT END AS flows,
        CASE WHEN dedup THEN max(packets) ELSE total(packets) END AS packets,
        CASE WHEN dedup THEN max(bytes) ELSE total(bytes) END AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM sums
    GROUP BY srcaddr, dstaddr, srcport, dstport, protocol, action
)

SELECT
    direction,
    protocol,
    port,
    service_name(port, protocol) AS service,
    action,
    sum(flows)::BIGINT AS flows,
    total(packets) AS packets,
    total(bytes) AS bytes,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM once
GROUP BY direction, protocol, port, action
ORDER BY bytes DESC NULLS LAST, flows DESC, direction, protocol, port, action
LIMIT top;
