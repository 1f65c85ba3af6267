SELECT
    asked.srcaddr,
    asked.dstaddr,
    asked.dstport,
    asked.protocol,
    name AS service,
    asked.* EXCLUDE (srcaddr, dstaddr, dstport, protocol)
FROM (
    SELECT
        CASE WHEN is_asking THEN srcaddr ELSE dstaddr END AS srcaddr,
        CASE WHEN is_asking THEN dstaddr ELSE srcaddr END AS dstaddr,
        CASE WHEN is_asking THEN dstport ELSE srcport END AS dstport,
        protocol,
        count(*) FILTER (is_asking) AS flows,
        count(*) FILTER (is_asking AND action = 'ACCEPT') AS accepted,
        count(*) FILTER (is_asking AND action = 'REJECT') AS rejected,
        sum(packets) FILTER (is_asking)::BIGINT AS packets,
        sum(bytes) FILTER (is_asking)::BIGINT AS bytes,
        sum(bytes) FILTER (NOT is_asking)::BIGINT AS bytes_back,
        min(start_time) FILTER (is_asking) AS first_seen,
        max(start_time) FILTER (is_asking) AS last_seen
    FROM (
        SELECT
            *,
            CASE
                WHEN tcp_flags & 18 = 2 THEN true
                WHEN tcp_flags & 18 = 18 THEN false
                WHEN dstport IN (22, 3389) AND srcport NOT IN (22, 3389) AND srcport NOT IN (SELECT port FROM services) THEN true
                WHEN srcport IN (22, 3389) AND dstport NOT IN (22, 3389) AND dstport NOT IN (SELECT port FROM services) THEN false
                ELSE srcport >= dstport
            END AS is_asking
        FROM flows
        WHERE log_status = 'OK'
            AND (srcport IN (22, 3389) OR dstport IN (22, 3389))
    )
    WHERE CASE WHEN is_asking THEN dstport IN (22, 3389) ELSE srcport IN (22, 3389) END
    GROUP BY 1, 2, 3, 4
    HAVING count(*) FILTER (is_asking) > 0
) AS asked
LEFT JOIN services ON dstport = port AND asked.protocol = services.protocol
ORDER BY bytes DESC, flows DESC, asked.srcaddr, asked.dstaddr, asked.dstport, asked.protocol
LIMIT 10;
