-- summary: Per host, how many ports of the ephemeral range are in use at once, and how close that is to exhausting it.
-- param: os TEXT = 'linux' {rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway} -- whose range, see ephemeral_ranges
-- param: bucket INTERVAL = '1 minute' -- how long a port counts as in use; an aggregation window has 1 or 10 minutes
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: srcport, dstport
-- columns: addr, protocol, first_port, last_port, range_ports, ports_seen, ports_at_once, used_share, busiest, peers
-- tags: ephemeral, capacity
-- trap: both ends -- a port counts once, however many interfaces and directions log it
-- trap: windows -- a port counts once in a bucket
-- trap: replies -- refused records are left out
-- trap: no data -- left out
-- counts: a port is its host's ephemeral port when it is in the range, the other end has a lower one, and the flow was not refused; the two directions of a connection, and two interfaces that saw it, count once; a flow counts in the bucket in which it starts
-- source: Amazon VPC user guide, ephemeral ports
CREATE OR REPLACE MACRO ephemeral_ports(
    os := 'linux', bucket := '1 minute', since := NULL, until := NULL, interface_id := NULL, top := 10
) AS TABLE
WITH clients AS (
    SELECT
        CASE WHEN srcport > dstport THEN srcaddr ELSE dstaddr END AS addr,
        greatest(srcport, dstport) AS port,
        CASE WHEN srcport > dstport THEN dstaddr ELSE srcaddr END AS peer,
        protocol,
        time_bucket(bucket::INTERVAL, coalesce(start_time, end_time, date)) AS moment
    FROM traffic('ephemeral_ports', ['srcport', 'dstport'], since, until, interface_id) AS flows
    WHERE srcport <> dstport
        AND is_ephemeral(greatest(srcport, dstport), os)
        AND coalesce(upper(action) <> 'REJECT', true)
        AND check_bucket(bucket)
),

moments AS (
    SELECT
        addr,
        protocol,
        moment,
        count(DISTINCT port) AS ports
    FROM clients
    GROUP BY addr, protocol, moment
),

peaks AS (
    SELECT
        addr,
        protocol,
        max(ports) AS ports_at_once,
        arg_max(moment, (ports, -epoch(moment))) AS busiest
    FROM moments
    GROUP BY addr, protocol
),

totals AS (
    SELECT
        addr,
        protocol,
        count(DISTINCT port) AS ports_seen,
        count(DISTINCT peer) AS peers
    FROM clients
    GROUP BY addr, protocol
)

SELECT
    peaks.addr,
    peaks.protocol,
    ephemeral_port(os, 'first') AS first_port,
    ephemeral_port(os, 'last') AS last_port,
    ephemeral_port(os, 'ports') AS range_ports,
    ports_seen,
    ports_at_once,
    round(ports_at_once / ephemeral_port(os, 'ports'), 6) AS used_share,
    busiest,
    peers
FROM peaks
INNER JOIN totals
    ON peaks.addr = totals.addr
    AND peaks.protocol IS NOT DISTINCT FROM totals.protocol
ORDER BY ports_at_once DESC, ports_seen DESC, peaks.addr, peaks.protocol
LIMIT top;
