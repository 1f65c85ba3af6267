-- summary: What an address or a range received and sent, by peer, service port, protocol, action or its own addresses.
-- param: addr CIDR -- an address or a range
-- param: by KEYS = 'peer' {addr, peer, port, protocol, action} -- what to add up by; peer is the other end, addr the end in the range
-- param: dedup BOOLEAN = true -- count a flow that several interfaces saw as often as the one that saw most of it
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: the key, flows_in, flows_out, packets_in, packets_out, bytes_in, bytes_out, peers, ports, first_seen, last_seen
-- tags: traffic, troubleshooting
-- trap: both ends -- counted once: the highest of the interfaces' sums for each pair of addresses and ports, protocol and action; with dedup false, at both
-- trap: nat -- what a NAT gateway logs of the same traffic has its own address at one end, and is another peer's
-- trap: primary address -- srcaddr and dstaddr, so a secondary address has the traffic of the primary one
-- trap: replies -- in and out are directions of packets, not who began
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: records to (in) and from (out) the range, refused ones too, unless told apart by action; port is the lower one of a flow, the service's; traffic from the range to itself is out for its source and in for its destination; peers and ports are distinct
-- answers: VPC console: VpcFlowLogsTrafficFrmSrcAddr | '10.0.0.5'
-- answers: VPC console: VpcFlowLogsTrafficToDstAddr | '10.0.0.5'
-- answers: Athena guide: traffic from an address in a period | '10.0.0.5', since := '2024-01-15', until := '2024-01-16'
-- answers: Athena guide: traffic to an address in a period | '10.0.0.5', since := '2024-01-15', until := '2024-01-16'
-- answers: Athena guide: traffic of the addresses that begin with 10.117 | '10.117.0.0/16', "by" := 'addr,peer'
-- answers: Tailpipe: Identify Traffic from a Suspicious IP | '203.0.113.7'
-- source: VPC console, traffic from and to an address; Tailpipe
CREATE OR REPLACE MACRO traffic_of(
    addr, "by" := 'peer', dedup := true, since := NULL, until := NULL, interface_id := NULL, top := 100
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
        in_cidr(srcaddr, addr) AS is_from,
        in_cidr(dstaddr, addr) AS is_to,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('traffic_of', ['srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE touches(addr, srcaddr, dstaddr)
        AND check_keys('by', "by", ['addr', 'peer', 'port', 'protocol', 'action'])
        AND needs(
            'traffic_of',
            list_concat(
                key_fields("by", ['protocol', 'action']),
                CASE WHEN list_contains(keys_of("by"), 'port') THEN ['srcport', 'dstport'] ELSE [] END
            ),
            since,
            until
        )
    GROUP BY ALL
),

once AS (
    SELECT
        srcaddr,
        dstaddr,
        service_port(srcport, dstport) AS port,
        protocol,
        action,
        is_from,
        is_to,
        CASE WHEN dedup THEN max(flows) ELSE sum(flows)::BIGINT END AS flows,
        CASE WHEN dedup THEN max(packets) ELSE total(packets) END AS packets,
        CASE WHEN dedup THEN max(bytes) ELSE total(bytes) END AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM sums
    GROUP BY srcaddr, dstaddr, srcport, dstport, protocol, action, is_from, is_to
),

sides AS (
    SELECT
        dstaddr AS addr,
        srcaddr AS peer,
        true AS is_in,
        once.*
    FROM once
    WHERE is_to
    UNION ALL
    SELECT
        srcaddr,
        dstaddr,
        false,
        once.*
    FROM once
    WHERE is_from
),

keyed AS (
    SELECT
        COLUMNS(
            lambda c: CASE
                WHEN list_has_any(keys_of("by"), ['addr', 'peer', 'port', 'protocol', 'action'])
                    THEN list_contains(keys_of("by"), c)
                ELSE c = 'peer'
            END
        ),
        coalesce(sum(flows) FILTER (is_in), 0)::BIGINT AS flows_in,
        coalesce(sum(flows) FILTER (NOT is_in), 0)::BIGINT AS flows_out,
        total(CASE WHEN is_in THEN packets END) AS packets_in,
        total(CASE WHEN NOT is_in THEN packets END) AS packets_out,
        total(CASE WHEN is_in THEN bytes END) AS bytes_in,
        total(CASE WHEN NOT is_in THEN bytes END) AS bytes_out,
        count(DISTINCT peer) AS peers,
        count(DISTINCT port) AS ports,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM sides
    GROUP BY ALL
)

SELECT *
FROM keyed
ORDER BY
    coalesce(bytes_in::HUGEINT, 0) + coalesce(bytes_out, 0) DESC,
    flows_in + flows_out DESC,
    row(*COLUMNS(* EXCLUDE (
        flows_in, flows_out, packets_in, packets_out, bytes_in, bytes_out, peers, ports, first_seen, last_seen
    )))
LIMIT top;
