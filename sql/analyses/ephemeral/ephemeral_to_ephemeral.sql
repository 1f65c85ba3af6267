-- summary: Pairs that talk without either port being a service's: RPC, passive FTP, peer-to-peer, or trouble.
-- param: os TEXT = 'linux' {rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway} -- whose range, see ephemeral_ranges
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only pairs of which an address lies there; NULL for all
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: addr, peer, protocol, addr_ports, addr_port, peer_ports, peer_port, connections, flows, packets, bytes, first_seen, last_seen
-- tags: ephemeral, inventory
-- trap: both ends -- the two directions are one row; flows, packets and bytes that two interfaces log count at both, unless interface_id names one; ports and connections count once
-- trap: windows -- a connection is its two ports, however many records it has
-- trap: replies -- refused records are left out
-- trap: no data -- left out
-- counts: both ports are in the range; addr is the lower address of the two; addr_ports and peer_ports are how many ports were seen at each, addr_port and peer_port the one that most connections have, the lowest of several
-- counts: one port at an end with many at the other is a server at a high port, such as one that RPC or passive FTP gave out
-- source: Amazon VPC user guide, ephemeral ports
CREATE OR REPLACE MACRO ephemeral_to_ephemeral(
    os := 'linux', since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 20
) AS TABLE
WITH connections AS (
    SELECT
        least(srcaddr, dstaddr) AS lower,
        greatest(srcaddr, dstaddr) AS upper,
        protocol,
        CASE WHEN srcaddr <= dstaddr THEN srcport ELSE dstport END AS lower_port,
        CASE WHEN srcaddr <= dstaddr THEN dstport ELSE srcport END AS upper_port,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic(
        'ephemeral_to_ephemeral', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id
    ) AS flows
    -- No range begins below 1024, and a number is compared before anything else is read.
    WHERE srcport >= 1024
        AND dstport >= 1024
        AND is_ephemeral(srcport, os)
        AND is_ephemeral(dstport, os)
        AND coalesce(upper(action) <> 'REJECT', true)
        AND touches(addr, srcaddr, dstaddr)
    GROUP BY 1, 2, 3, 4, 5
),

lower_ports AS (
    SELECT
        lower,
        upper,
        protocol,
        count(*) AS ports,
        arg_max(lower_port, (uses, -lower_port)) AS port
    FROM (
        SELECT
            lower,
            upper,
            protocol,
            lower_port,
            count(*) AS uses
        FROM connections
        GROUP BY lower, upper, protocol, lower_port
    )
    GROUP BY lower, upper, protocol
),

upper_ports AS (
    SELECT
        lower,
        upper,
        protocol,
        count(*) AS ports,
        arg_max(upper_port, (uses, -upper_port)) AS port
    FROM (
        SELECT
            lower,
            upper,
            protocol,
            upper_port,
            count(*) AS uses
        FROM connections
        GROUP BY lower, upper, protocol, upper_port
    )
    GROUP BY lower, upper, protocol
),

sums AS (
    SELECT
        lower,
        upper,
        protocol,
        count(*) AS connections,
        total(connections.flows) AS flows,
        total(connections.packets) AS packets,
        total(connections.bytes) AS bytes,
        min(connections.first_seen) AS first_seen,
        max(connections.last_seen) AS last_seen
    FROM connections
    GROUP BY lower, upper, protocol
)

SELECT
    sums.lower AS addr,
    sums.upper AS peer,
    sums.protocol,
    lower_ports.ports AS addr_ports,
    lower_ports.port AS addr_port,
    upper_ports.ports AS peer_ports,
    upper_ports.port AS peer_port,
    sums.connections,
    sums.flows,
    sums.packets,
    sums.bytes,
    sums.first_seen,
    sums.last_seen
FROM sums
INNER JOIN lower_ports
    ON sums.lower IS NOT DISTINCT FROM lower_ports.lower
    AND sums.upper IS NOT DISTINCT FROM lower_ports.upper
    AND sums.protocol IS NOT DISTINCT FROM lower_ports.protocol
INNER JOIN upper_ports
    ON sums.lower IS NOT DISTINCT FROM upper_ports.lower
    AND sums.upper IS NOT DISTINCT FROM upper_ports.upper
    AND sums.protocol IS NOT DISTINCT FROM upper_ports.protocol
ORDER BY sums.bytes DESC NULLS LAST, sums.flows DESC, sums.lower, sums.upper, sums.protocol
LIMIT top;
