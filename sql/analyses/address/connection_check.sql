-- summary: Whether connections from one address or range to another, and to a port, were accepted or refused, where and when, in both directions.
-- param: source CIDR -- who connects, an address or a range
-- param: target CIDR -- to whom, an address or a range
-- param: port INTEGER 0..65535 = NULL -- the target's port; NULL for every one
-- param: protocol INTEGER 0..255 = NULL -- the protocol's number, 6 TCP, 17 UDP; NULL for every one
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action, srcaddr, dstaddr, srcport, dstport
-- columns: direction, action, interface_id, protocol, port, service, flows, packets, bytes, first_seen, last_seen
-- tags: troubleshooting, reject
-- trap: both ends -- a row for each interface, so what was accepted at one and refused at the other is two rows
-- trap: replies -- the answers are rows of their own: a request that was accepted and an answer that was refused is a network ACL's work, see diagnose_acl
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: records from source to the target's port ('request') and from that port back ('answer'); if no port is given, connections from the target to the source are left out: requests are what does not come from the lower port, or has a SYN without ACK
-- counts: where ranges overlap, a record that is both is a request
-- source: the question of everyone whose connection does not come about
CREATE OR REPLACE MACRO connection_check(
    source, target, port := NULL, protocol := NULL, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH ends AS (
    SELECT
        flows.interface_id AS logged_at,
        flows.protocol AS known_protocol,
        upper(action) AS action,
        srcport,
        dstport,
        tcp_flags,
        packets,
        bytes,
        start_time,
        in_cidr(srcaddr, source) AND in_cidr(dstaddr, target) AS is_there,
        in_cidr(srcaddr, target) AND in_cidr(dstaddr, source) AS is_back
    FROM traffic(
        'connection_check', ['action', 'srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id
    ) AS flows
    WHERE protocol IS NULL
        OR flows.protocol = protocol
),

told AS (
    SELECT
        *,
        CASE
            WHEN is_there
                AND CASE WHEN port IS NULL THEN NOT is_answer(srcport, dstport, tcp_flags) ELSE dstport = port END
                THEN 'request'
            WHEN is_back
                AND CASE
                    WHEN port IS NULL THEN srcport = dstport OR is_answer(srcport, dstport, tcp_flags)
                    ELSE srcport = port
                END
                THEN 'answer'
        END AS direction
    FROM ends
    WHERE is_there
        OR is_back
),

sums AS (
    SELECT
        direction,
        action,
        logged_at,
        known_protocol,
        CASE direction WHEN 'request' THEN dstport ELSE srcport END AS known_port,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM told
    WHERE direction IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
)

SELECT
    direction,
    action,
    logged_at AS interface_id,
    known_protocol AS protocol,
    known_port AS port,
    service_name(known_port, known_protocol) AS service,
    flows,
    packets,
    bytes,
    first_seen,
    last_seen
FROM sums
ORDER BY direction DESC, action, logged_at, known_protocol, known_port
LIMIT top;
