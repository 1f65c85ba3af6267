-- summary: Sources whose traffic was refused most often.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: action, srcaddr
-- columns: srcaddr, attempts, packets, bytes, ports, targets, first_seen, last_seen
-- tags: security, reject
-- trap: both ends -- an attempt that two interfaces log counts at both, unless interface_id names one
-- trap: replies -- a refused answer counts for the one who answered
-- trap: windows -- attempts are records, of which a long one is several
-- trap: no data -- left out
-- counts: attempts are records, so a try that lasts longer than a window counts again in the next; ports and targets are distinct destinations
-- answers: Tailpipe: activity dashboard, top rejected sources
-- source: CloudWatch console, top rejected sources
CREATE OR REPLACE MACRO rejected_sources(since := NULL, until := NULL, interface_id := NULL, top := 10) AS TABLE
SELECT
    srcaddr,
    sum(flows)::BIGINT AS attempts,
    total(packets) AS packets,
    total(bytes) AS bytes,
    count(DISTINCT dstport) AS ports,
    count(DISTINCT dstaddr) AS targets,
    min(first_start) AS first_seen,
    max(last_start) AS last_seen
FROM summed_traffic('rejected_sources', ['action', 'srcaddr'], true, since, until, interface_id)
WHERE is_refused(action)
    AND srcaddr IS NOT NULL
GROUP BY srcaddr
ORDER BY attempts DESC, srcaddr
LIMIT top;
