-- summary: Hosts of one's own that accepted traffic from public addresses, and at which port.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport, action
-- columns: dstaddr, dstport, protocol, service, sources, flows, packets, bytes, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- a public address has no interface that logs; a load balancer's is a private host
-- trap: nat -- the answers that a NAT gateway gets are answers
-- trap: primary address -- a host is the primary address of its interface
-- trap: windows -- summed
-- trap: replies -- the answers to a host's own connections do not count
-- trap: no data -- left out
-- counts: what was accepted by security groups and network ACLs and went from an address that is not private to a port of one that is, or that is an interface's own IPv6 address (see who_is); whether anything listens there the logs do not tell
-- counts: an answer has SYN and ACK in its flags; without SYN it comes from a well-known port to an ephemeral one, else from a port in services to one that is not, else from the lower port; what has no ports, such as ICMP, has equal ones, or has two of the range of ephemeral ports and no SYN in its flags, may be one and does not count
-- answers: Tailpipe: Detect Suspicious Traffic from External IPs
-- source: RFC 1918 and others, see is_private; MITRE ATT&CK T1133 and T1190
CREATE OR REPLACE MACRO public_exposure(since := NULL, until := NULL, interface_id := NULL, top := 100) AS TABLE
-- Whether an address is private is asked once for each pair, not for each record.
WITH pairs AS (
    SELECT
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic(
        'public_exposure', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'action'], since, until, interface_id
    ) AS flows
    WHERE upper(action) = 'ACCEPT'
        AND is_request(srcport, dstport, tcp_flags)
    GROUP BY 1, 2, 3, 4
),

-- IPv6 addresses of one's own are public ones.
own AS MATERIALIZED (
    SELECT DISTINCT addr
    FROM interface_addresses(
        'public_exposure', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'action'], since, until,
        wanted := EXISTS (FROM pairs WHERE contains(dstaddr, ':') AND NOT is_private(dstaddr))
    )
    WHERE contains(addr, ':')
),

exposed AS (
    SELECT
        dstaddr,
        dstport,
        protocol,
        count(*) AS sources,
        total(pairs.flows) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM pairs
    WHERE (is_private(dstaddr) OR dstaddr IN (SELECT addr FROM own))
        AND NOT is_private(srcaddr)
        AND srcaddr NOT IN (SELECT addr FROM own)
    GROUP BY 1, 2, 3
    ORDER BY sources DESC, 5 DESC, 1, 2, 3
    LIMIT top
)

SELECT
    dstaddr,
    dstport,
    protocol,
    service_name(dstport, protocol) AS service,
    sources,
    exposed.flows,
    packets,
    bytes,
    first_seen,
    last_seen
FROM exposed
ORDER BY sources DESC, exposed.flows DESC, dstaddr, dstport, protocol;
