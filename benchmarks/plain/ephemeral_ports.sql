WITH clients AS (
    SELECT
        CASE WHEN srcport > dstport THEN srcaddr ELSE dstaddr END AS addr,
        greatest(srcport, dstport) AS port,
        CASE WHEN srcport > dstport THEN dstaddr ELSE srcaddr END AS peer,
        protocol,
        time_bucket(INTERVAL 1 MINUTE, start_time) AS moment
    FROM flows
    WHERE log_status = 'OK'
        AND srcport <> dstport
        AND greatest(srcport, dstport) BETWEEN 32768 AND 61000
        AND action <> 'REJECT'
)

SELECT
    peaks.addr,
    peaks.protocol,
    32768 AS first_port,
    61000 AS last_port,
    28233 AS range_ports,
    ports_seen,
    ports_at_once,
    round(ports_at_once / 28233, 6) AS used_share,
    busiest,
    peers
FROM (
    SELECT
        addr,
        protocol,
        max(ports) AS ports_at_once,
        arg_max(moment, (ports, -epoch(moment))) AS busiest
    FROM (
        SELECT addr, protocol, moment, count(DISTINCT port) AS ports
        FROM clients
        GROUP BY addr, protocol, moment
    )
    GROUP BY addr, protocol
) AS peaks
INNER JOIN (
    SELECT addr, protocol, count(DISTINCT port) AS ports_seen, count(DISTINCT peer) AS peers
    FROM clients
    GROUP BY addr, protocol
) AS totals ON peaks.addr = totals.addr AND peaks.protocol = totals.protocol
ORDER BY ports_at_once DESC, ports_seen DESC, peaks.addr, peaks.protocol
LIMIT 10;
