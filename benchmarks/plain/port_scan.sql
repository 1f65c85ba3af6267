WITH moments AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        time_bucket(INTERVAL 1 DAY, start_time) AS moment,
        count(*) AS flows,
        bool_and(action = 'REJECT') AS is_refused,
        bool_and(tcp_flags & 23 = 2) AS is_syn_only,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND (protocol IN (1, 58) OR CASE
            WHEN tcp_flags & 18 = 2 THEN true
            WHEN tcp_flags & 18 = 18 THEN false
            WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
            WHEN srcport IN (SELECT port FROM services) <> dstport IN (SELECT port FROM services)
                THEN dstport IN (SELECT port FROM services)
            WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
        END)
    GROUP BY ALL
),

scans AS (
    SELECT
        srcaddr,
        protocol,
        dstaddr,
        dstport,
        count(*) AS tried,
        sum(flows)::BIGINT AS flows,
        avg(is_refused::INTEGER) AS refused_share,
        avg(is_syn_only::INTEGER) AS syn_only_share,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            srcaddr,
            protocol,
            dstaddr,
            dstport,
            sum(flows) AS flows,
            bool_and(is_refused) AS is_refused,
            bool_and(is_syn_only) AS is_syn_only,
            min(first_seen) AS first_seen,
            max(last_seen) AS last_seen
        FROM moments
        GROUP BY ALL
    )
    GROUP BY GROUPING SETS ((srcaddr, protocol, dstaddr), (srcaddr, protocol, dstport))
    HAVING count(*) >= 20
        AND greatest(avg(is_refused::INTEGER), avg(is_syn_only::INTEGER)) >= 0.5
),

most AS (
    SELECT srcaddr, protocol, dstaddr, dstport, max(tried) AS tried_at_once
    FROM (
        SELECT srcaddr, protocol, dstaddr, dstport, count(*) AS tried
        FROM moments
        GROUP BY GROUPING SETS ((srcaddr, protocol, dstaddr, moment), (srcaddr, protocol, dstport, moment))
    )
    GROUP BY ALL
)

SELECT
    CASE WHEN tried_at_once < 20 AND last_seen - first_seen > INTERVAL 1 DAY THEN 'slow ' ELSE '' END
    || CASE WHEN scans.dstport IS NULL THEN 'vertical' ELSE 'horizontal' END AS kind,
    scans.srcaddr,
    scans.protocol,
    scans.dstaddr,
    scans.dstport,
    tried,
    tried_at_once,
    flows,
    round(refused_share, 6) AS refused_share,
    round(syn_only_share, 6) AS syn_only_share,
    first_seen,
    last_seen
FROM scans
INNER JOIN most
    ON scans.srcaddr = most.srcaddr
    AND scans.protocol = most.protocol
    AND scans.dstaddr IS NOT DISTINCT FROM most.dstaddr
    AND scans.dstport IS NOT DISTINCT FROM most.dstport
ORDER BY tried DESC, kind, scans.srcaddr, scans.protocol, scans.dstaddr, scans.dstport
LIMIT 100;
