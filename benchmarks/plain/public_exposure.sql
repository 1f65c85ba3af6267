SELECT
    exposed.dstaddr,
    exposed.dstport,
    exposed.protocol,
    name AS service,
    exposed.* EXCLUDE (dstaddr, dstport, protocol)
FROM (
    SELECT
        dstaddr,
        dstport,
        protocol,
        count(DISTINCT srcaddr) AS sources,
        count(*) AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND action = 'ACCEPT'
        AND regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')
        AND NOT regexp_matches(srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')
        AND CASE
            WHEN tcp_flags & 18 = 2 THEN true
            WHEN tcp_flags & 18 = 18 THEN false
            WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
            WHEN srcport IN (SELECT port FROM services) <> dstport IN (SELECT port FROM services)
                THEN dstport IN (SELECT port FROM services)
            WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
        END
    GROUP BY ALL
    ORDER BY sources DESC, flows DESC, dstaddr, dstport, protocol
    LIMIT 100
) AS exposed
LEFT JOIN services ON exposed.dstport = services.port AND exposed.protocol = services.protocol
ORDER BY sources DESC, flows DESC, exposed.dstaddr, exposed.dstport, exposed.protocol;
