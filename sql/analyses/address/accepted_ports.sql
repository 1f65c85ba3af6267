-- summary: Well-known ports, or given ones, that take accepted traffic at the interfaces, or to which they send it.
-- param: direction TEXT = 'ingress' {ingress, egress} -- traffic that comes in, to ports of the interfaces, or goes out, to ports of others
-- param: ports INTEGER[] 0..65535 = NULL -- destination ports; NULL for the well-known ones, 0 to 1023
-- param: addr CIDR = NULL -- only traffic with an end in this range
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action, interface-id, srcaddr, dstaddr, srcport, dstport
-- columns: port, protocol, service, interfaces, sources, targets, flows, packets, bytes, first_seen, last_seen
-- tags: security, inventory
-- trap: both ends -- each interface logs one direction of a flow, so it counts once
-- trap: replies -- an answer is not traffic to its client's port: by its SYN, else what comes from the lower port is an answer
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: accepted records to the port; which way is told by flow_direction, else by the end that is the interface's own address; records that neither tells are left out
-- counts: interfaces, sources and targets are distinct; protocols without ports, such as ICMP, are left out; where both ports are the same, as in NTP, both directions count
-- source: stale rules of security groups: a rule whose port takes no accepted traffic is not used
CREATE OR REPLACE MACRO accepted_ports(
    direction := 'ingress', ports := NULL, addr := NULL, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH sums AS MATERIALIZED (
    SELECT
        flows.interface_id,
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        lower(flow_direction) AS flow_direction,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic(
        'accepted_ports',
        ['action', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport'],
        since,
        until,
        interface_id
    ) AS flows
    WHERE upper(action) = 'ACCEPT'
        AND CASE WHEN ports IS NULL THEN dstport BETWEEN 0 AND 1023 ELSE list_contains(ports, dstport) END
        -- TCP, UDP, DCCP, SCTP, UDPLite.
        AND coalesce(protocol IN (6, 17, 33, 132, 136), true)
        AND NOT is_answer(srcport, dstport, tcp_flags)
        -- What is told otherwise is looked at below.
        AND coalesce(lower(flow_direction) = direction, true)
        AND touches(addr, srcaddr, dstaddr)
        AND one_of('direction', direction, ['ingress', 'egress'])
    GROUP BY flows.interface_id, srcaddr, dstaddr, dstport, protocol, lower(flow_direction)
),

own AS MATERIALIZED (
    FROM interface_addresses(
        'accepted_ports',
        ['action', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport'],
        since,
        until,
        wanted := EXISTS (FROM sums WHERE flow_direction IS NULL)
    )
),

directed AS (
    SELECT
        sums.*,
        coalesce(
            sums.flow_direction,
            CASE
                WHEN (sender.addr IS NULL) = (receiver.addr IS NULL) THEN NULL
                WHEN sender.addr IS NULL THEN 'ingress'
                ELSE 'egress'
            END
        ) AS known_direction
    FROM sums
    LEFT JOIN own AS sender
        ON sums.interface_id = sender.interface_id
        AND sums.srcaddr = sender.addr
    LEFT JOIN own AS receiver
        ON sums.interface_id = receiver.interface_id
        AND sums.dstaddr = receiver.addr
)

SELECT
    dstport AS port,
    protocol,
    service_name(dstport, protocol) AS service,
    count(DISTINCT directed.interface_id) AS interfaces,
    count(DISTINCT srcaddr) AS sources,
    count(DISTINCT dstaddr) AS targets,
    sum(flows)::BIGINT AS flows,
    total(packets) AS packets,
    total(bytes) AS bytes,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM directed
WHERE known_direction IS NOT DISTINCT FROM direction
GROUP BY dstport, protocol
ORDER BY port, protocol
LIMIT top;
