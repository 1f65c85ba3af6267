WITH uses AS (
    SELECT host, port, count(*) AS connections
    FROM (
        SELECT DISTINCT
            CASE WHEN srcport > dstport THEN pkt_srcaddr ELSE pkt_dstaddr END AS host,
            greatest(srcport, dstport) AS port,
            CASE WHEN srcport > dstport THEN pkt_dstaddr ELSE pkt_srcaddr END AS peer,
            least(srcport, dstport) AS peer_port,
            protocol
        FROM flows
        WHERE log_status = 'OK'
            AND srcport <> dstport
            AND greatest(srcport, dstport) >= 1024
            AND protocol IN (6, 17)
    )
    GROUP BY host, port
),

hosts AS (
    SELECT
        host,
        sum(connections)::BIGINT AS connections,
        count(*) AS ports,
        min(port) AS lowest_port,
        max(port) AS highest_port
    FROM uses
    GROUP BY host
),

ranges AS (
    SELECT first_port, last_port, ports AS size, string_agg(name, ', ' ORDER BY name) AS names
    FROM ephemeral_ranges
    GROUP BY ALL
),

fitting AS (
    SELECT *, min(size) OVER (PARTITION BY host) AS smallest
    FROM (
        SELECT host, names, size, count(*) / any_value(ports) AS inside_share
        FROM uses
        INNER JOIN ranges ON port BETWEEN first_port AND last_port
        INNER JOIN (SELECT host, ports FROM hosts) USING (host)
        GROUP BY host, names, size
        HAVING any_value(ports) >= 20 AND count(*) >= 0.95 * any_value(ports)
    )
)

SELECT
    host AS addr,
    connections,
    ports,
    lowest_port,
    highest_port,
    coalesce(os, 'unknown') AS os,
    round(inside_share, 6) AS inside_share
FROM hosts
LEFT JOIN (
    SELECT host, string_agg(names, ', ' ORDER BY names) AS os, arg_min(inside_share, size) AS inside_share
    FROM fitting
    WHERE size <= smallest * 1.01
    GROUP BY host
) USING (host)
ORDER BY connections DESC, host
LIMIT 100;
