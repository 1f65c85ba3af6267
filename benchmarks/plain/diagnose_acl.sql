WITH conversations AS (
    SELECT
        interface_id,
        protocol,
        (srcaddr, srcport) <= (dstaddr, dstport) AS is_forward,
        CASE WHEN is_forward THEN srcaddr ELSE dstaddr END AS addr1,
        CASE WHEN is_forward THEN dstaddr ELSE srcaddr END AS addr2,
        CASE WHEN is_forward THEN srcport ELSE dstport END AS port1,
        CASE WHEN is_forward THEN dstport ELSE srcport END AS port2,
        start_time AS moment,
        end_time,
        action = 'REJECT' AS is_refused,
        tcp_flags & 18 AS syn,
        packets,
        flow_direction
    FROM flows
    WHERE log_status = 'OK'
),

records AS (
    SELECT *
    FROM conversations
    SEMI JOIN (
        SELECT interface_id, protocol, addr1, addr2, port1, port2
        FROM conversations
        WHERE is_refused
    ) USING (interface_id, protocol, addr1, addr2, port1, port2)
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (is_after_pause) OVER (
            PARTITION BY interface_id, protocol, addr1, addr2, port1, port2 ORDER BY moment
        ) AS part
    FROM (
        SELECT
            *,
            moment > max(end_time) OVER (
                PARTITION BY interface_id, protocol, addr1, addr2, port1, port2
                ORDER BY moment
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) + INTERVAL 10 MINUTE AS is_after_pause
        FROM records
    )
),

sides AS (
    SELECT
        interface_id,
        protocol,
        addr1,
        addr2,
        port1,
        port2,
        part,
        is_forward,
        count(*) FILTER (is_refused) AS attempts,
        count(*) FILTER (NOT is_refused) AS accepted,
        sum(packets) FILTER (is_refused)::BIGINT AS packets,
        coalesce(bool_or(syn > 0) FILTER (is_refused), false) AS has_refused_syn,
        max(flow_direction) AS direction,
        min(moment) AS began,
        min(moment) FILTER (syn = 2) AS first_syn,
        min(moment) FILTER (syn = 18) AS first_syn_ack,
        min(moment) FILTER (is_refused) AS first_refused,
        max(moment) FILTER (is_refused) AS last_refused,
        min(moment) FILTER (NOT is_refused) AS first_accepted,
        max(moment) FILTER (NOT is_refused) AS last_accepted
    FROM numbered
    GROUP BY ALL
),

parts AS (
    SELECT
        interface_id,
        protocol,
        addr1,
        addr2,
        port1,
        port2,
        any_value(sides) FILTER (is_forward) AS forth,
        any_value(sides) FILTER (NOT is_forward) AS back,
        coalesce(
            bool_or(count(*) FILTER (accepted > 0) = 2) OVER (
                PARTITION BY interface_id, protocol, addr1, addr2, port1, port2
                ORDER BY part
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            false
        ) AS was_answered
    FROM sides
    GROUP BY interface_id, protocol, addr1, addr2, port1, port2, part
),

roles AS (
    SELECT
        *,
        CASE
            WHEN coalesce(forth.first_syn, back.first_syn) IS NOT NULL
                THEN coalesce(forth.first_syn <= back.first_syn, forth.first_syn IS NOT NULL)
            WHEN coalesce(forth.first_syn_ack, back.first_syn_ack) IS NOT NULL
                THEN coalesce(back.first_syn_ack <= forth.first_syn_ack, back.first_syn_ack IS NOT NULL)
            WHEN forth.began <> back.began THEN forth.began < back.began
            WHEN (forth IS NULL OR back IS NULL) AND (NOT was_answered OR port1 = port2) THEN forth IS NOT NULL
            WHEN port1 <> port2 THEN port1 > port2
            ELSE forth.accepted > 0 OR back.accepted = 0
        END AS is_forth
    FROM parts
),

refusals AS (
    SELECT *, CASE WHEN is_answer THEN answer ELSE request END AS side
    FROM (
        SELECT
            *,
            coalesce(answer.attempts > 0 AND (request IS NULL OR request.accepted > 0), false) AS is_answer
        FROM (
            SELECT
                *,
                CASE WHEN is_forth THEN forth ELSE back END AS request,
                CASE WHEN is_forth THEN back ELSE forth END AS answer
            FROM roles
        )
    )
)

SELECT
    CASE
        WHEN protocol = 6
            AND NOT side.has_refused_syn
            AND (
                was_answered
                OR (request.first_accepted < side.first_refused AND answer.first_accepted < side.first_refused)
            )
            AND coalesce(greatest(request.last_accepted, answer.last_accepted) <= side.first_refused, true)
            THEN 'after the close'
        WHEN request.accepted > 0 AND is_answer THEN 'network ACL'
        ELSE 'security group or network ACL'
    END AS verdict,
    CASE WHEN is_answer THEN 'answer' ELSE 'request' END AS refused,
    side.direction AS direction,
    interface_id,
    protocol,
    CASE WHEN is_forth THEN addr1 ELSE addr2 END AS client,
    CASE WHEN is_forth THEN port1 ELSE port2 END AS client_port,
    CASE WHEN is_forth THEN addr2 ELSE addr1 END AS "server",
    CASE WHEN is_forth THEN port2 ELSE port1 END AS server_port,
    side.attempts AS attempts,
    side.packets AS packets,
    side.first_refused AS first_seen,
    side.last_refused AS last_seen,
    request.first_accepted AS request_accepted
FROM refusals
WHERE coalesce(request.attempts, 0) + coalesce(answer.attempts, 0) > 0
ORDER BY
    list_position(['network ACL', 'security group or network ACL', 'after the close'], verdict),
    attempts DESC,
    interface_id,
    protocol,
    client,
    client_port,
    "server",
    server_port,
    first_seen
LIMIT 100;
