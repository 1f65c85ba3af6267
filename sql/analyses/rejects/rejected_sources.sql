-- summary: Sources whose traffic was refused most often.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- columns: srcaddr, attempts, packets, bytes, ports, targets, first_seen, last_seen
-- tags: security, reject
-- counts: attempts are records, so a try that lasts longer than a window counts again in the next; ports and targets are distinct destinations
-- source: CloudWatch console, top rejected sources
CREATE OR REPLACE MACRO rejected_sources(since := NULL, until := NULL, interface_id := NULL, top := 10) AS TABLE
SELECT
    srcaddr,
    count(*) AS attempts,
    total(packets) AS packets,
    total(bytes) AS bytes,
    count(DISTINCT dstport) AS ports,
    count(DISTINCT dstaddr) AS targets,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM flows
WHERE upper(action) = 'REJECT'
    AND srcaddr IS NOT NULL
    AND in_window(date, start_time, since, until)
    AND (interface_id IS NULL OR flows.interface_id = interface_id)
GROUP BY srcaddr
ORDER BY attempts DESC, srcaddr
LIMIT top;
