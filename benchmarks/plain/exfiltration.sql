WITH seen AS (
    SELECT
        day,
        interface_id,
        srcaddr,
        coalesce(sum(bytes) FILTER (NOT regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')), 0)::BIGINT AS bytes,
        count(*) FILTER (NOT regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')) AS destinations,
        max(bytes) FILTER (NOT regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')) AS top_bytes,
        arg_max(dstaddr, (bytes, dstaddr)) FILTER (NOT regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')) AS top_dstaddr
    FROM (
        SELECT date AS day, interface_id, srcaddr, dstaddr, sum(bytes) AS bytes
        FROM flows
        WHERE log_status = 'OK'
            AND action <> 'REJECT'
        GROUP BY ALL
    )
    WHERE regexp_matches(srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')
    GROUP BY ALL
),

hosts AS (
    SELECT day, srcaddr, max(bytes) AS bytes, arg_max(seen, (bytes, destinations, interface_id)) AS most
    FROM seen
    GROUP BY ALL
)

SELECT
    host.day,
    host.srcaddr,
    host.bytes,
    round(avg(before.bytes))::BIGINT AS average_bytes,
    round(host.bytes / nullif(avg(before.bytes), 0), 6) AS times_average,
    count(before.day) AS days_before,
    any_value(host.most).destinations AS destinations,
    any_value(host.most).top_dstaddr AS top_dstaddr,
    any_value(host.most).top_bytes AS top_bytes,
    round(any_value(host.most).top_bytes / host.bytes, 6) AS top_share
FROM hosts AS host
LEFT JOIN hosts AS before
    ON host.srcaddr = before.srcaddr
    AND before.day < host.day
    AND before.day >= host.day - 14
WHERE host.bytes >= 104857600
GROUP BY 1, 2, 3
HAVING count(before.day) >= 3
    AND host.bytes >= 3 * avg(before.bytes)
ORDER BY host.bytes DESC, host.day, host.srcaddr
LIMIT 100;
