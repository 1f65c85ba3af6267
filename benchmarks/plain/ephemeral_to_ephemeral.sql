WITH connections AS (
    SELECT
        least(srcaddr, dstaddr) AS addr,
        greatest(srcaddr, dstaddr) AS peer,
        protocol,
        CASE WHEN srcaddr <= dstaddr THEN srcport ELSE dstport END AS addr_port,
        CASE WHEN srcaddr <= dstaddr THEN dstport ELSE srcport END AS peer_port,
        count(*) AS flows,
        sum(packets) AS packets,
        sum(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND srcport BETWEEN 32768 AND 61000
        AND dstport BETWEEN 32768 AND 61000
        AND action <> 'REJECT'
    GROUP BY ALL
)

SELECT
    addr,
    peer,
    protocol,
    addr_ports,
    addr_port,
    peer_ports,
    peer_port,
    connections,
    flows,
    packets,
    bytes,
    first_seen,
    last_seen
FROM (
    SELECT
        addr,
        peer,
        protocol,
        count(*) AS connections,
        sum(flows)::BIGINT AS flows,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM connections
    GROUP BY ALL
)
INNER JOIN (
    SELECT addr, peer, protocol, count(*) AS addr_ports, arg_max(addr_port, (uses, -addr_port)) AS addr_port
    FROM (SELECT addr, peer, protocol, addr_port, count(*) AS uses FROM connections GROUP BY ALL)
    GROUP BY addr, peer, protocol
) USING (addr, peer, protocol)
INNER JOIN (
    SELECT addr, peer, protocol, count(*) AS peer_ports, arg_max(peer_port, (uses, -peer_port)) AS peer_port
    FROM (SELECT addr, peer, protocol, peer_port, count(*) AS uses FROM connections GROUP BY ALL)
    GROUP BY addr, peer, protocol
) USING (addr, peer, protocol)
ORDER BY bytes DESC, flows DESC, addr, peer, protocol
LIMIT 20;
