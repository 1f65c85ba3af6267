SELECT
    cidr,
    addr,
    peer,
    sum(flows)::BIGINT AS flows,
    sum(accepted)::BIGINT AS accepted,
    sum(rejected)::BIGINT AS rejected,
    sum(packets)::BIGINT AS packets,
    sum(bytes) FILTER (is_sent)::BIGINT AS bytes_sent,
    sum(bytes) FILTER (NOT is_sent)::BIGINT AS bytes_received,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM (
    SELECT
        CASE
            WHEN addr = split_part($cidrs[1], '/', 1) THEN $cidrs[1]
            ELSE $cidrs[2]
        END AS cidr,
        *
    FROM (
        SELECT
            unnest([srcaddr, dstaddr]) AS addr,
            unnest([dstaddr, srcaddr]) AS peer,
            unnest([true, false]) AS is_sent,
            * EXCLUDE (srcaddr, dstaddr)
        FROM (
            SELECT
                srcaddr,
                dstaddr,
                count(*) AS flows,
                count(*) FILTER (action = 'ACCEPT') AS accepted,
                count(*) FILTER (action = 'REJECT') AS rejected,
                sum(packets) AS packets,
                sum(bytes) AS bytes,
                min(start_time) AS first_seen,
                max(start_time) AS last_seen
            FROM flows
            WHERE log_status = 'OK'
                AND (
                    srcaddr = $cidrs[1]
                    OR dstaddr = $cidrs[1]
                    OR starts_with(srcaddr, replace($cidrs[2], '0/24', ''))
                    OR starts_with(dstaddr, replace($cidrs[2], '0/24', ''))
                )
            GROUP BY ALL
        )
    )
    WHERE addr = $cidrs[1]
        OR starts_with(addr, replace($cidrs[2], '0/24', ''))
)
GROUP BY cidr, addr, peer
ORDER BY 5 DESC, 4 DESC, addr, peer
LIMIT 100;
