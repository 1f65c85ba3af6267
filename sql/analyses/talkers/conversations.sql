-- summary: Every connection as one row: who asked whom, what went each way, where it was seen.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only what this interface saw
-- param: addr CIDR = NULL -- only those of which an end lies in it
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: client, client_port, server, server_port, protocol, action, bytes_to_server, bytes_to_client, packets_to_server, packets_to_client, flows, first_seen, last_seen, seconds, interfaces, nat_addr, client_by
-- tags: traffic, troubleshooting
-- trap: both ends -- one row: of what several interfaces logged of one direction the largest sum counts, so each byte counts once
-- trap: nat -- one row, where logs have pkt_srcaddr and pkt_dstaddr: what a gateway logs between itself and the outside is left out if it logged the same between a client and the outside
-- trap: primary address -- the ends are those of the packets, where logs have them
-- trap: windows -- summed; a port that is used again for the same server is the same connection
-- trap: replies -- a refused answer makes the action 'mixed'
-- trap: no data -- left out
-- counts: nat_addr is an address that stood for the one of the packet at some interface: of a NAT gateway, of the host of a pod; of several the one that sorts last
-- counts: flows are records, of all interfaces; action is ACCEPT, REJECT or mixed, which is both; interfaces are those that logged it; last_seen is the last end
-- counts: records without ports are one connection for each pair of addresses and protocol
-- counts: client_by says how the client was told: 'SYN', as it sent the first packet of a TCP connection or was sent its answer; 'ephemeral port', as one of the ports is in services, well known or not ephemeral, the other not, and it is the client's by is_request; 'first seen', or alone; 'higher port'; 'address', which sorts last
-- counts: two flow logs that watch one interface count twice
-- source: SiLK and nfdump, bidirectional flows; RFC 5103
CREATE OR REPLACE MACRO conversations(
    since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 100
) AS TABLE
WITH sides AS (
    SELECT
        coalesce(flows.interface_id, resource_id) AS interface,
        protocol,
        coalesce(pkt_srcaddr, srcaddr) AS source,
        srcport,
        coalesce(pkt_dstaddr, dstaddr) AS target,
        dstport,
        -- What stands for the packet's own address at an interface that translates it.
        max(CASE WHEN pkt_srcaddr <> srcaddr THEN srcaddr END) AS source_as,
        max(CASE WHEN pkt_dstaddr <> dstaddr THEN dstaddr END) AS target_as,
        total(packets) AS packets,
        total(bytes) AS bytes,
        count(*) AS records,
        min(start_time) AS first_seen,
        max(coalesce(end_time, start_time)) AS last_seen,
        coalesce(bool_or(protocol = 6 AND tcp_flags & 18 = 2), false) AS has_syn,
        coalesce(bool_or(protocol = 6 AND tcp_flags & 18 = 18), false) AS has_answer,
        coalesce(bool_or(upper(action) = 'REJECT'), false) AS is_refused,
        coalesce(bool_or(upper(action) = 'ACCEPT'), false) AS is_accepted
    FROM traffic('conversations', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id) AS flows
    WHERE srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND touches(addr, coalesce(pkt_srcaddr, srcaddr), coalesce(pkt_dstaddr, dstaddr))
    GROUP BY ALL
),

translated AS (
    SELECT interface, protocol, target_as AS own, target AS peer, dstport AS port
    FROM sides
    WHERE target_as IS NOT NULL
    UNION
    SELECT interface, protocol, source_as, source, srcport
    FROM sides
    WHERE source_as IS NOT NULL
),

-- Without what a gateway logged a second time, under its own address.
once AS (
    SELECT sides.*
    FROM sides
    ANTI JOIN translated AS going
        ON sides.interface IS NOT DISTINCT FROM going.interface
        AND sides.protocol IS NOT DISTINCT FROM going.protocol
        AND sides.dstport IS NOT DISTINCT FROM going.port
        AND sides.source = going.own
        AND sides.target = going.peer
    ANTI JOIN translated AS coming
        ON sides.interface IS NOT DISTINCT FROM coming.interface
        AND sides.protocol IS NOT DISTINCT FROM coming.protocol
        AND sides.srcport IS NOT DISTINCT FROM coming.port
        AND sides.target = coming.own
        AND sides.source = coming.peer
),

-- The ends in an order that does not depend on the direction: left sorts first.
connections AS (
    SELECT
        protocol,
        CASE WHEN is_right THEN target ELSE source END AS left_addr,
        CASE WHEN is_right THEN dstport ELSE srcport END AS left_port,
        CASE WHEN is_right THEN source ELSE target END AS right_addr,
        CASE WHEN is_right THEN srcport ELSE dstport END AS right_port,
        max(bytes) FILTER (WHERE is_right) AS right_bytes,
        max(bytes) FILTER (WHERE NOT is_right) AS left_bytes,
        max(packets) FILTER (WHERE is_right) AS right_packets,
        max(packets) FILTER (WHERE NOT is_right) AS left_packets,
        total(records) AS flows,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen,
        string_agg(DISTINCT interface, ', ' ORDER BY interface) AS interfaces,
        max(coalesce(source_as, target_as)) AS nat_addr,
        bool_or(is_refused) AS is_refused,
        bool_or(is_accepted) AS is_accepted,
        bool_or(CASE WHEN is_right THEN has_answer ELSE has_syn END) AS left_asked,
        bool_or(CASE WHEN is_right THEN has_syn ELSE has_answer END) AS right_asked,
        min(first_seen) FILTER (WHERE is_right) AS right_first,
        min(first_seen) FILTER (WHERE NOT is_right) AS left_first
    FROM (
        SELECT
            *,
            source > target OR (source = target AND coalesce(srcport > dstport, false)) AS is_right
        FROM once
    )
    GROUP BY ALL
),

service_ports AS (
    SELECT DISTINCT port
    FROM flowdb_services
    ORDER BY port
),

-- By a join: the bits of is_service would be copied for every row here.
served AS (
    SELECT
        *,
        left_port IN (SELECT port FROM service_ports) AS left_serves,
        right_port IN (SELECT port FROM service_ports) AS right_serves
    FROM connections
),

ported AS (
    SELECT
        *,
        asks_service(right_port, left_port, right_serves, left_serves) AS right_asks
    FROM served
),

judged AS (
    SELECT
        *,
        CASE
            WHEN left_asked <> right_asked THEN 'SYN'
            WHEN right_asks IS NOT NULL
                AND (
                    (left_port >= 32768) <> (right_port >= 32768)
                    OR (left_port < 1024) <> (right_port < 1024)
                    OR left_serves <> right_serves
                ) THEN 'ephemeral port'
            WHEN coalesce(left_first <> right_first, (left_first IS NULL) <> (right_first IS NULL)) THEN 'first seen'
            WHEN left_port <> right_port THEN 'higher port'
            ELSE 'address'
        END AS client_by
    FROM ported
),

named AS (
    SELECT
        *,
        CASE client_by
            WHEN 'SYN' THEN right_asked
            WHEN 'ephemeral port' THEN right_asks
            WHEN 'first seen' THEN coalesce(right_first < left_first, left_first IS NULL)
            WHEN 'higher port' THEN right_port > left_port
            ELSE true
        END AS is_right_client
    FROM judged
)

SELECT
    CASE WHEN is_right_client THEN right_addr ELSE left_addr END AS client,
    CASE WHEN is_right_client THEN right_port ELSE left_port END AS client_port,
    CASE WHEN is_right_client THEN left_addr ELSE right_addr END AS "server",
    CASE WHEN is_right_client THEN left_port ELSE right_port END AS server_port,
    protocol,
    CASE WHEN is_refused AND is_accepted THEN 'mixed' WHEN is_refused THEN 'REJECT' WHEN is_accepted THEN 'ACCEPT' END AS action,
    CASE WHEN is_right_client THEN right_bytes ELSE left_bytes END AS bytes_to_server,
    CASE WHEN is_right_client THEN left_bytes ELSE right_bytes END AS bytes_to_client,
    CASE WHEN is_right_client THEN right_packets ELSE left_packets END AS packets_to_server,
    CASE WHEN is_right_client THEN left_packets ELSE right_packets END AS packets_to_client,
    flows,
    first_seen,
    last_seen,
    round(epoch(last_seen) - epoch(first_seen), 3) AS seconds,
    interfaces,
    nat_addr,
    client_by
FROM named
ORDER BY coalesce(bytes_to_server, 0)::HUGEINT + coalesce(bytes_to_client, 0) DESC, client, client_port, "server", server_port, protocol
LIMIT top;
