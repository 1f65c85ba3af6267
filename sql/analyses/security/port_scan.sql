-- summary: Sources that scan: many ports of one target, one port of many targets, or either slowly, over days.
-- param: ports INTEGER 1.. = 20 -- how many ports of one target make a vertical scan
-- param: targets INTEGER 1.. = 20 -- how many targets of one port make a horizontal scan
-- param: share NUMBER = 0.5 -- which share of what was tried has to be refused, or SYN alone
-- param: bucket INTERVAL = '1 day' -- a scan is slow if it lasts longer, and if as many ports or targets never were tried in one
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport, action
-- columns: kind, srcaddr, protocol, dstaddr, dstport, tried, tried_at_once, flows, refused_share, syn_only_share, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- a port of a target counts once, however many interfaces log it; flows counts at both
-- trap: nat -- sources behind a NAT gateway are one source, the gateway, at what lies beyond it
-- trap: windows -- a port of a target counts once, however many records it has
-- trap: replies -- answers, refused ones too, are no tries, and a busy server is no scanner
-- trap: no data -- left out
-- counts: the kind is 'vertical', 'horizontal', 'slow vertical' or 'slow horizontal'; dstaddr is the target of a vertical scan, dstport the port of a horizontal one, and the other is NULL
-- counts: tried is how many ports of the target, or targets of the port, the source sent requests to, and tried_at_once the most of them in one bucket
-- counts: refused_share is the share of tried whose records all were refused; syn_only_share is the share whose records all have SYN without ACK, FIN and RST, that is, never more than the beginning of a connection, and NULL without tcp-flags; one of the two has to reach share
-- counts: health checks and other connections that are accepted end with FIN or RST, and are neither
-- counts: without tcp-flags it is the ports that tell what is a request, so a scan from a well-known source port is missed, and of one from an ephemeral port the ports from 32768 on are not counted
-- counts: ICMP has no ports, counts in both directions, and makes a horizontal scan of port 0
-- answers: Tailpipe: Detect Unauthorized Access Attempts | ports := 1, targets := 1
-- source: tcp_flags of a half-open scan; MITRE ATT&CK T1046
CREATE OR REPLACE MACRO port_scan(
    ports := 20, targets := 20, share := 0.5, bucket := '1 day',
    since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH moments AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        time_bucket(bucket::INTERVAL, coalesce(start_time, end_time, date)) AS moment,
        count(*) AS flows,
        bool_and(coalesce(upper(action) = 'REJECT', false)) AS is_refused,
        bool_and(tcp_flags & 23 = 2) AS is_syn_only,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic(
        'port_scan', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'action'], since, until, interface_id
    ) AS flows
    WHERE (is_request(srcport, dstport, tcp_flags) OR protocol IN (1, 58))
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND dstport IS NOT NULL
        AND check_bucket(bucket)
        AND check_number('ports', ports, 1)
        AND check_number('targets', targets, 1)
        AND check_number('share', share, 0)
    GROUP BY 1, 2, 3, 4, 5
),

tries AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        sum(moments.flows) AS flows,
        bool_and(is_refused) AS is_refused,
        bool_and(is_syn_only) AS is_syn_only,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM moments
    GROUP BY 1, 2, 3, 4
),

scans AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        CASE WHEN grouping(dstport) = 1 THEN ports ELSE targets END AS threshold,
        count(*) AS tried,
        sum(tries.flows)::BIGINT AS flows,
        avg(is_refused::INTEGER) AS refused_share,
        avg(is_syn_only::INTEGER) AS syn_only_share,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM tries
    GROUP BY GROUPING SETS ((srcaddr, protocol, dstaddr), (srcaddr, protocol, dstport))
    HAVING count(*) >= CASE WHEN grouping(dstport) = 1 THEN ports ELSE targets END
        AND greatest(avg(is_refused::INTEGER), avg(is_syn_only::INTEGER)) >= share
),

tries_at_once AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        count(*) AS tried
    FROM moments
    WHERE srcaddr IN (SELECT scans.srcaddr FROM scans)
    GROUP BY GROUPING SETS ((srcaddr, protocol, dstaddr, moment), (srcaddr, protocol, dstport, moment))
),

most AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        max(tried) AS tried_at_once
    FROM tries_at_once
    GROUP BY 1, 2, 3, 4
)

SELECT
    CASE
        WHEN tried_at_once < threshold AND scans.last_seen - scans.first_seen > bucket::INTERVAL THEN 'slow '
        ELSE ''
    END
    || CASE WHEN scans.dstport IS NULL THEN 'vertical' ELSE 'horizontal' END AS kind,
    scans.srcaddr,
    scans.protocol,
    scans.dstaddr,
    scans.dstport,
    scans.tried,
    tried_at_once,
    scans.flows,
    round(refused_share, 6) AS refused_share,
    round(syn_only_share, 6) AS syn_only_share,
    scans.first_seen,
    scans.last_seen
FROM scans
INNER JOIN most
    ON scans.srcaddr = most.srcaddr
    AND scans.protocol IS NOT DISTINCT FROM most.protocol
    AND scans.dstaddr IS NOT DISTINCT FROM most.dstaddr
    AND scans.dstport IS NOT DISTINCT FROM most.dstport
ORDER BY scans.tried DESC, kind, scans.srcaddr, scans.protocol, scans.dstaddr, scans.dstport
LIMIT top;
