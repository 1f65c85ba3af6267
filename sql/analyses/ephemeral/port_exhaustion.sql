-- summary: Who runs out of ports towards one destination: ports in use at once against those that there are.
-- param: os TEXT = 'linux' {rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway} -- whose range, see ephemeral_ranges
-- param: os_limit INTEGER 1.. = NULL -- how many ports a host has; NULL for those of the range
-- param: nat_limit INTEGER 1.. = 55000 -- how many connections a NAT gateway has for each destination
-- param: threshold NUMBER = 0.8 -- from which share of the ports on
-- param: bucket INTERVAL = '1 minute' -- how long a port counts as in use; an aggregation window has 1 or 10 minutes
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: addr, peer, port, protocol, limited_by, port_limit, ports_at_once, used_share, busiest, buckets, first_seen, last_seen
-- tags: ephemeral, capacity, detection
-- trap: both ends -- a port counts once, however many interfaces and directions log it
-- trap: nat -- a gateway is held to its own limit if interface-type or resource-id names it, and every port from 1024 on counts for it; else it is taken for a host
-- trap: primary address -- addresses are those of the packets where the log has them
-- trap: windows -- a port counts once in a bucket
-- trap: replies -- refused records are left out
-- trap: no data -- left out
-- counts: addr is the client, the end with the higher port, which for a host has to be in the range of os; a destination is peer, port and protocol; a flow counts in the bucket in which it starts
-- counts: ports_at_once are those of the busiest bucket, the first of several; buckets are those at or above the threshold
-- counts: limited_by is os, or 'NAT gateway'; ports of connections that were closed shortly before are still taken on a host, which no log shows
-- source: Amazon VPC user guide, NAT gateway basics (55,000 connections for each destination) and ephemeral ports
CREATE OR REPLACE MACRO port_exhaustion(
    os := 'linux', os_limit := NULL, nat_limit := 55000, threshold := 0.8, bucket := '1 minute', since := NULL,
    until := NULL, interface_id := NULL, top := 20
) AS TABLE
WITH clients AS NOT MATERIALIZED (
    SELECT
        CASE WHEN srcport > dstport THEN coalesce(pkt_srcaddr, srcaddr) ELSE coalesce(pkt_dstaddr, dstaddr) END AS client,
        CASE WHEN srcport > dstport THEN coalesce(pkt_dstaddr, dstaddr) ELSE coalesce(pkt_srcaddr, srcaddr) END AS peer,
        least(srcport, dstport) AS port,
        protocol,
        greatest(srcport, dstport) AS client_port,
        -- What a gateway exchanges as itself, the leg to the destination.
        is_nat_gateway(interface_type, resource_id)
        AND coalesce(pkt_srcaddr = srcaddr AND pkt_dstaddr = dstaddr, true) AS is_gateway,
        time_bucket(bucket::INTERVAL, record_moment(start_time, end_time, date)) AS moment,
        start_time
    FROM traffic(
        'port_exhaustion', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id
    ) AS flows
    WHERE srcport <> dstport
        AND greatest(srcport, dstport) >= 1024
        AND coalesce(upper(action) <> 'REJECT', true)
        AND check_bucket(bucket)
        AND check_number('threshold', threshold, 0)
        AND check_number('os_limit', os_limit, 1)
        AND check_number('nat_limit', nat_limit, 1)
),

gateways AS MATERIALIZED (
    SELECT DISTINCT client
    FROM clients
    WHERE is_gateway
),

records AS (
    SELECT
        client,
        peer,
        port,
        protocol,
        moment,
        count(*) AS records
    FROM clients
    GROUP BY client, peer, port, protocol, moment
),

-- There are no more ports than records, which are counted in less time.
busy AS MATERIALIZED (
    SELECT * EXCLUDE (records)
    FROM (
        SELECT
            client,
            peer,
            port,
            protocol,
            CASE WHEN client IN (FROM gateways) THEN 'NAT gateway' ELSE os END AS limited_by,
            CASE
                WHEN client IN (FROM gateways) THEN nat_limit
                ELSE coalesce(os_limit, ephemeral_port(os, 'ports'))
            END AS port_limit,
            max(records) AS records
        FROM records
        GROUP BY client, peer, port, protocol
    )
    WHERE records >= threshold * port_limit
),

moments AS (
    SELECT
        busy.client,
        busy.peer,
        busy.port,
        busy.protocol,
        limited_by,
        port_limit,
        moment,
        count(DISTINCT CASE WHEN limited_by = 'NAT gateway' OR is_ephemeral(client_port, os) THEN client_port END) AS at_once,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM clients
    INNER JOIN busy
        ON clients.client IS NOT DISTINCT FROM busy.client
        AND clients.peer IS NOT DISTINCT FROM busy.peer
        AND clients.port = busy.port
        AND clients.protocol IS NOT DISTINCT FROM busy.protocol
    GROUP BY busy.client, busy.peer, busy.port, busy.protocol, limited_by, port_limit, moment
)

SELECT
    client AS addr,
    peer,
    port,
    protocol,
    limited_by,
    port_limit,
    max(at_once) AS ports_at_once,
    round(max(at_once) / nullif(port_limit, 0), 6) AS used_share,
    arg_max(moment, (at_once, -epoch(moment))) AS busiest,
    count(*) FILTER (WHERE at_once >= threshold * port_limit) AS buckets,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM moments
GROUP BY client, peer, port, protocol, limited_by, port_limit
HAVING max(at_once) >= threshold * port_limit
    AND max(at_once) > 0
ORDER BY used_share DESC NULLS FIRST, ports_at_once DESC, client, peer, port, protocol
LIMIT top;
