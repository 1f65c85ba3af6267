SELECT
    client AS addr,
    peer,
    port,
    protocol,
    'linux' AS limited_by,
    28233 AS port_limit,
    max(ports) AS ports_at_once,
    round(max(ports) / 28233, 6) AS used_share,
    arg_max(moment, (ports, -epoch(moment))) AS busiest,
    count(*) FILTER (WHERE ports >= 0.8 * 28233) AS buckets,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM (
    SELECT
        CASE WHEN srcport > dstport THEN pkt_srcaddr ELSE pkt_dstaddr END AS client,
        CASE WHEN srcport > dstport THEN pkt_dstaddr ELSE pkt_srcaddr END AS peer,
        least(srcport, dstport) AS port,
        protocol,
        time_bucket(INTERVAL 1 MINUTE, start_time) AS moment,
        count(DISTINCT greatest(srcport, dstport)) FILTER (
            WHERE greatest(srcport, dstport) BETWEEN 32768 AND 61000
        ) AS ports,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND srcport <> dstport
        AND greatest(srcport, dstport) >= 1024
        AND action <> 'REJECT'
    GROUP BY 1, 2, 3, 4, 5
)
GROUP BY client, peer, port, protocol
HAVING max(ports) >= 0.8 * 28233
ORDER BY used_share DESC, ports_at_once DESC, client, peer, port, protocol
LIMIT 20;
