-- summary: Destination ports that were refused most often.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: action, dstport
-- columns: dstport, protocol, service, attempts, sources, targets, packets, bytes, first_seen, last_seen
-- tags: security, troubleshooting, reject
-- trap: both ends -- an attempt that two interfaces refuse counts at both, unless interface_id names one
-- trap: replies -- a refused answer counts at the port that it goes to, which is its client's
-- trap: windows -- attempts are records, of which a long one is several
-- trap: no data -- left out
-- counts: attempts are records, so a try that lasts longer than a window counts again in the next; sources and targets are distinct addresses; the same port of two protocols is two rows; protocols without ports, such as ICMP, have port 0
-- source: the console samples of CloudWatch; Tailpipe, rejected traffic
CREATE OR REPLACE MACRO rejected_ports(since := NULL, until := NULL, interface_id := NULL, top := 10) AS TABLE
SELECT
    sums.dstport,
    sums.protocol,
    service_name(sums.dstport, sums.protocol) AS service,
    sums.* EXCLUDE (dstport, protocol)
FROM (
    SELECT
        dstport,
        protocol,
        sum(flows)::BIGINT AS attempts,
        count(DISTINCT srcaddr) AS sources,
        count(DISTINCT dstaddr) AS targets,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(first_start) AS first_seen,
        max(last_start) AS last_seen
    FROM summed_traffic('rejected_ports', ['action', 'dstport'], true, since, until, interface_id)
    WHERE is_refused(action)
        AND dstport IS NOT NULL
    GROUP BY dstport, protocol
    ORDER BY attempts DESC, dstport, protocol
    LIMIT top
) AS sums
ORDER BY attempts DESC, dstport, protocol;
