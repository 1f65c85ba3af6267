WITH sides AS (
    SELECT
        interface_id,
        protocol,
        pkt_srcaddr AS source,
        srcport,
        pkt_dstaddr AS target,
        dstport,
        max(srcaddr) FILTER (pkt_srcaddr <> srcaddr) AS source_as,
        max(dstaddr) FILTER (pkt_dstaddr <> dstaddr) AS target_as,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        count(*) AS records,
        min(start_time) AS first_seen,
        max(end_time) AS last_seen,
        bool_or(protocol = 6 AND tcp_flags & 18 = 2) AS has_syn,
        bool_or(protocol = 6 AND tcp_flags & 18 = 18) AS has_answer,
        bool_or(action = 'REJECT') AS is_refused,
        bool_or(action = 'ACCEPT') AS is_accepted
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY ALL
),

translated AS (
    SELECT interface_id, protocol, target_as AS own, target AS peer, dstport AS port
    FROM sides
    WHERE target_as IS NOT NULL
    UNION
    SELECT interface_id, protocol, source_as, source, srcport
    FROM sides
    WHERE source_as IS NOT NULL
),

connections AS (
    SELECT
        protocol,
        CASE WHEN is_right THEN target ELSE source END AS left_addr,
        CASE WHEN is_right THEN dstport ELSE srcport END AS left_port,
        CASE WHEN is_right THEN source ELSE target END AS right_addr,
        CASE WHEN is_right THEN srcport ELSE dstport END AS right_port,
        max(bytes) FILTER (is_right) AS right_bytes,
        max(bytes) FILTER (NOT is_right) AS left_bytes,
        max(packets) FILTER (is_right) AS right_packets,
        max(packets) FILTER (NOT is_right) AS left_packets,
        sum(records)::BIGINT AS flows,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen,
        string_agg(DISTINCT interface_id, ', ' ORDER BY interface_id) AS interfaces,
        max(coalesce(source_as, target_as)) AS nat_addr,
        bool_or(is_refused) AS is_refused,
        bool_or(is_accepted) AS is_accepted,
        bool_or(CASE WHEN is_right THEN has_answer ELSE has_syn END) AS left_asked,
        bool_or(CASE WHEN is_right THEN has_syn ELSE has_answer END) AS right_asked,
        min(first_seen) FILTER (is_right) AS right_first,
        min(first_seen) FILTER (NOT is_right) AS left_first
    FROM (
        SELECT sides.*, (source, srcport) > (target, dstport) AS is_right
        FROM sides
        ANTI JOIN translated AS going
            ON sides.interface_id = going.interface_id
            AND sides.protocol = going.protocol
            AND sides.dstport = going.port
            AND sides.source = going.own
            AND sides.target = going.peer
        ANTI JOIN translated AS coming
            ON sides.interface_id = coming.interface_id
            AND sides.protocol = coming.protocol
            AND sides.srcport = coming.port
            AND sides.target = coming.own
            AND sides.source = coming.peer
    )
    GROUP BY ALL
),

served AS (
    SELECT
        *,
        left_port IN (SELECT port FROM services) AS left_serves,
        right_port IN (SELECT port FROM services) AS right_serves
    FROM connections
),

ported AS (
    SELECT
        *,
        CASE
            WHEN least(left_port, right_port) < 1024 AND greatest(left_port, right_port) >= 32768
                THEN right_port > left_port
            WHEN left_serves AND NOT right_serves
                THEN CASE WHEN left_port < 32768 OR right_port >= 32768 THEN true END
            WHEN right_serves AND NOT left_serves
                THEN CASE WHEN right_port < 32768 OR left_port >= 32768 THEN false END
            WHEN left_port <> right_port AND least(left_port, right_port) < 32768 THEN right_port > left_port
        END AS right_asks
    FROM served
),

judged AS (
    SELECT
        *,
        CASE
            WHEN left_asked <> right_asked THEN 'SYN'
            WHEN right_asks IS NOT NULL
                AND (
                    (left_port >= 32768) <> (right_port >= 32768)
                    OR (left_port < 1024) <> (right_port < 1024)
                    OR left_serves <> right_serves
                ) THEN 'ephemeral port'
            WHEN coalesce(left_first <> right_first, true) THEN 'first seen'
            WHEN left_port <> right_port THEN 'higher port'
            ELSE 'address'
        END AS client_by,
        CASE client_by
            WHEN 'SYN' THEN right_asked
            WHEN 'ephemeral port' THEN right_asks
            WHEN 'first seen' THEN coalesce(right_first < left_first, left_first IS NULL)
            WHEN 'higher port' THEN right_port > left_port
            ELSE true
        END AS is_right_client
    FROM ported
)

SELECT
    CASE WHEN is_right_client THEN right_addr ELSE left_addr END AS client,
    CASE WHEN is_right_client THEN right_port ELSE left_port END AS client_port,
    CASE WHEN is_right_client THEN left_addr ELSE right_addr END AS "server",
    CASE WHEN is_right_client THEN left_port ELSE right_port END AS server_port,
    protocol,
    CASE WHEN is_refused AND is_accepted THEN 'mixed' WHEN is_refused THEN 'REJECT' ELSE 'ACCEPT' END AS action,
    CASE WHEN is_right_client THEN right_bytes ELSE left_bytes END AS bytes_to_server,
    CASE WHEN is_right_client THEN left_bytes ELSE right_bytes END AS bytes_to_client,
    CASE WHEN is_right_client THEN right_packets ELSE left_packets END AS packets_to_server,
    CASE WHEN is_right_client THEN left_packets ELSE right_packets END AS packets_to_client,
    flows,
    first_seen,
    last_seen,
    epoch(last_seen) - epoch(first_seen) AS seconds,
    interfaces,
    nat_addr,
    client_by
FROM judged
ORDER BY coalesce(bytes_to_server, 0) + coalesce(bytes_to_client, 0) DESC, client, client_port, "server", server_port, protocol
LIMIT 100;
