WITH newest AS (
    SELECT max(date)::TIMESTAMP AS moment
    FROM flows
),

sums AS (
    SELECT
        CASE
            WHEN regexp_matches(srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') = regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')
                THEN CASE WHEN coalesce(is_asking, true) THEN dstaddr ELSE srcaddr END
            WHEN regexp_matches(srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') THEN dstaddr
            ELSE srcaddr
        END AS peer,
        sum(flows)::BIGINT AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            srcaddr,
            dstaddr,
            CASE
                WHEN tcp_flags & 18 = 2 THEN true
                WHEN tcp_flags & 18 = 18 THEN false
                WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
                WHEN srcport IN (SELECT port FROM services) <> dstport IN (SELECT port FROM services)
                    THEN dstport IN (SELECT port FROM services)
                WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
            END AS is_asking,
            count(*) AS flows,
            sum(packets) AS packets,
            sum(bytes) AS bytes,
            min(start_time) AS first_seen,
            max(start_time) AS last_seen
        FROM flows
        WHERE log_status = 'OK'
            AND action <> 'REJECT'
            AND start_time >= (SELECT moment - INTERVAL 14 DAY FROM newest)
        GROUP BY ALL
    )
    GROUP BY 1
    HAVING min(first_seen) >= (SELECT moment FROM newest)
)

SELECT
    peer,
    flows,
    packets,
    bytes,
    days_before,
    first_seen,
    last_seen
FROM sums
CROSS JOIN (
    SELECT count(DISTINCT date) AS days_before
    FROM flows
    WHERE date >= (SELECT moment::DATE - 14 FROM newest)
        AND date < (SELECT moment FROM newest)
)
WHERE days_before > 0
ORDER BY bytes DESC, flows DESC, peer
LIMIT 100;
