-- summary: Which system a host has, by the range from which its own ports are as a client.
-- param: minimum INTEGER = 20 -- fewer ports than this are too few to tell
-- param: share NUMBER = 0.95 -- how many of the ports have to be in a range, as a share
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only hosts of this range; NULL for all
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport
-- columns: addr, connections, ports, lowest_port, highest_port, os, inside_share
-- tags: ephemeral, inventory
-- trap: both ends -- a connection counts once, however many interfaces and directions log it
-- trap: nat -- behind a gateway all clients are one, and the range is the gateway's
-- trap: primary address -- addresses are those of the packets where the log has them
-- trap: windows -- a connection counts once
-- trap: replies -- refused records count, for their port was taken all the same
-- trap: no data -- left out
-- counts: a host is a client where its port is the higher one and 1024 or more; connections are distinct protocol, peer and ports, of TCP and UDP
-- counts: os has the names of the smallest range of ephemeral_ranges in which so many of the distinct ports are, and of ranges that are larger by no more than a hundredth, such as those of two versions of Linux; it is 'unknown' if ports are fewer than minimum or no range fits
-- counts: inside_share is that of the ports in this range; a guess, as systems can be set to another range
-- source: Amazon VPC user guide, ephemeral ports; RFC 6056
CREATE OR REPLACE MACRO guess_os(
    minimum := 20, share := 0.95, since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 100
) AS TABLE
WITH connections AS (
    SELECT DISTINCT
        CASE WHEN srcport > dstport THEN coalesce(pkt_srcaddr, srcaddr) ELSE coalesce(pkt_dstaddr, dstaddr) END AS host,
        greatest(srcport, dstport) AS port,
        -- Whom it talks to, as a number, so that two addresses need not be kept.
        hash(
            CASE WHEN srcport > dstport THEN coalesce(pkt_dstaddr, dstaddr) ELSE coalesce(pkt_srcaddr, srcaddr) END,
            least(srcport, dstport),
            protocol
        ) AS peer
    FROM traffic('guess_os', ['srcaddr', 'dstaddr', 'srcport', 'dstport'], since, until, interface_id) AS flows
    WHERE srcport <> dstport
        AND greatest(srcport, dstport) >= 1024
        AND protocol IN (6, 17)
        AND check_number('share', share, 0)
),

uses AS (
    SELECT
        host,
        port,
        count(*) AS connections
    FROM connections
    WHERE addr IS NULL OR in_cidr(host, addr)
    GROUP BY host, port
),

hosts AS (
    SELECT
        host,
        total(uses.connections) AS connections,
        count(*) AS ports,
        min(port) AS lowest_port,
        max(port) AS highest_port
    FROM uses
    GROUP BY host
),

ranges AS (
    SELECT
        first_port,
        last_port,
        ephemeral_ranges.ports AS size,
        string_agg(name, ', ' ORDER BY name) AS names
    FROM ephemeral_ranges
    GROUP BY first_port, last_port, ephemeral_ranges.ports
),

fits AS (
    SELECT
        host,
        names,
        size,
        count(*) AS inside
    FROM uses
    INNER JOIN ranges ON port BETWEEN first_port AND last_port
    GROUP BY host, names, size
),

fitting AS (
    SELECT
        fits.host,
        fits.names,
        fits.size,
        fits.inside / hosts.ports AS inside_share,
        min(fits.size) OVER (PARTITION BY fits.host) AS smallest
    FROM fits
    INNER JOIN hosts ON fits.host = hosts.host
    WHERE hosts.ports >= minimum
        AND fits.inside >= share * hosts.ports
),

guesses AS (
    SELECT
        host,
        string_agg(names, ', ' ORDER BY names) AS names,
        arg_min(inside_share, size) AS inside_share
    FROM fitting
    WHERE size <= smallest * 1.01
    GROUP BY host
)

SELECT
    hosts.host AS addr,
    connections,
    ports,
    lowest_port,
    highest_port,
    coalesce(names, 'unknown') AS os,
    round(inside_share, 6) AS inside_share
FROM hosts
LEFT JOIN guesses ON hosts.host = guesses.host
ORDER BY connections DESC, hosts.host
LIMIT top;
