-- summary: Traffic that went in clear, by source, destination and port, and its share.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: encryption-status, srcaddr, dstaddr, srcport, dstport
-- columns: srcaddr, dstaddr, port, protocol, service, flows, clear_bytes, encrypted_bytes, unknown_bytes, clear_share, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- summed
-- trap: replies -- an answer is traffic in the other direction, and a row of its own with the same port
-- trap: no data -- left out
-- counts: port is service_port, the lower one of the two; a row has records in clear, and flows, first_seen and last_seen are theirs
-- counts: clear is the status 0; encrypted are 1 (Nitro), 2 (the application) and 3 (both); of what has no status nothing is known, and clear_share is that of the bytes of which something is
-- source: Amazon VPC user guide, encryption-status of version 10
CREATE OR REPLACE MACRO unencrypted(since := NULL, until := NULL, interface_id := NULL, top := 100) AS TABLE
WITH pairs AS (
    SELECT
        srcaddr,
        dstaddr,
        service_port(srcport, dstport) AS port,
        protocol,
        count(*) FILTER (WHERE encryption_status = 0) AS flows,
        total(CASE WHEN encryption_status = 0 THEN bytes END) AS clear_bytes,
        total(CASE WHEN encryption_status > 0 THEN bytes END) AS encrypted_bytes,
        total(CASE WHEN encryption_status IS NULL THEN bytes END) AS unknown_bytes,
        total(CASE WHEN encryption_status >= 0 THEN bytes END) AS known_bytes,
        min(CASE WHEN encryption_status = 0 THEN start_time END) AS first_seen,
        max(CASE WHEN encryption_status = 0 THEN start_time END) AS last_seen
    FROM traffic(
        'unencrypted',
        ['encryption-status', 'srcaddr', 'dstaddr', 'srcport', 'dstport'],
        since,
        until,
        interface_id
    ) AS flows
    GROUP BY 1, 2, 3, 4
    HAVING count(*) FILTER (WHERE encryption_status = 0) > 0
)

SELECT
    srcaddr,
    dstaddr,
    port,
    protocol,
    service_name(port, protocol) AS service,
    pairs.flows,
    clear_bytes,
    coalesce(encrypted_bytes, 0) AS encrypted_bytes,
    coalesce(unknown_bytes, 0) AS unknown_bytes,
    round(clear_bytes / nullif(known_bytes, 0), 6) AS clear_share,
    first_seen,
    last_seen
FROM pairs
ORDER BY clear_bytes DESC NULLS LAST, pairs.flows DESC, srcaddr, dstaddr, port, protocol
LIMIT top;
