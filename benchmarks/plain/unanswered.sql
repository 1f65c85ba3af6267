SELECT
    client AS srcaddr,
    "server" AS dstaddr,
    server_port AS dstport,
    any_value(name) AS service,
    count(*) FILTER (NOT is_answered AND NOT is_refused) AS unanswered,
    count(*) FILTER (NOT is_answered AND is_refused) AS refused,
    count(*) FILTER (is_answered) AS answered,
    sum(packets) FILTER (NOT is_answered AND NOT is_refused) AS packets,
    min(first_seen) FILTER (NOT is_answered AND NOT is_refused) AS first_seen,
    max(last_seen) FILTER (NOT is_answered AND NOT is_refused) AS last_seen
FROM (
    SELECT
        client,
        client_port,
        "server",
        server_port,
        bool_or(is_answered) AS is_answered,
        bool_or(is_refused) AS is_refused,
        max(packets) AS packets,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM (
        SELECT
            interface_id,
            CASE WHEN tcp_flags & 16 > 0 THEN dstaddr ELSE srcaddr END AS client,
            CASE WHEN tcp_flags & 16 > 0 THEN dstport ELSE srcport END AS client_port,
            CASE WHEN tcp_flags & 16 > 0 THEN srcaddr ELSE dstaddr END AS "server",
            CASE WHEN tcp_flags & 16 > 0 THEN srcport ELSE dstport END AS server_port,
            bool_or(tcp_flags & 16 = 0) AS has_begun,
            bool_or(tcp_flags & 16 > 0) AS is_answered,
            bool_or(tcp_flags & 16 = 0 AND action = 'REJECT') AS is_refused,
            sum(packets) FILTER (tcp_flags & 16 = 0) AS packets,
            min(start_time) FILTER (tcp_flags & 16 = 0) AS first_seen,
            max(start_time) FILTER (tcp_flags & 16 = 0) AS last_seen
        FROM flows
        WHERE log_status = 'OK'
            AND tcp_flags & 2 > 0
            AND protocol = 6
        GROUP BY 1, 2, 3, 4, 5
    )
    GROUP BY client, client_port, "server", server_port
    HAVING bool_or(has_begun)
)
LEFT JOIN services ON server_port = port AND protocol = 6
GROUP BY client, "server", server_port
HAVING unanswered >= 1
ORDER BY unanswered DESC, srcaddr, dstaddr, dstport
LIMIT 100;
