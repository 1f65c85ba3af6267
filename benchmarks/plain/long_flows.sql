WITH logged AS (
    SELECT
        interface_id,
        pkt_srcaddr AS srcaddr,
        srcport,
        pkt_dstaddr AS dstaddr,
        dstport,
        protocol,
        start_time,
        end_time,
        packets,
        bytes
    FROM flows
    WHERE log_status = 'OK'
),

marked AS (
    SELECT
        *,
        start_time > max(end_time) OVER earlier + INTERVAL 15 MINUTE AS begins
    FROM logged
    SEMI JOIN (
        SELECT srcaddr, srcport, dstaddr, dstport, protocol
        FROM logged
        GROUP BY ALL
        HAVING max(end_time) - min(start_time) >= INTERVAL 1 HOUR
    ) USING (srcaddr, srcport, dstaddr, dstport, protocol)
    WINDOW earlier AS (
        PARTITION BY srcaddr, srcport, dstaddr, dstport, protocol
        ORDER BY start_time, end_time
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (begins) OVER (
            PARTITION BY srcaddr, srcport, dstaddr, dstport, protocol
            ORDER BY start_time, end_time
            ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM marked
)

SELECT
    srcaddr,
    srcport,
    dstaddr,
    dstport,
    protocol,
    epoch(max(last_seen)) - epoch(min(first_seen)) AS seconds,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen,
    max(packets) AS packets,
    max(bytes) AS bytes,
    sum(flows)::BIGINT AS flows
FROM (
    SELECT
        srcaddr,
        srcport,
        dstaddr,
        dstport,
        protocol,
        number,
        interface_id,
        min(start_time) AS first_seen,
        max(end_time) AS last_seen,
        sum(packets)::BIGINT AS packets,
        sum(bytes)::BIGINT AS bytes,
        count(*) AS flows
    FROM numbered
    GROUP BY ALL
)
GROUP BY srcaddr, srcport, dstaddr, dstport, protocol, number
HAVING max(last_seen) - min(first_seen) >= INTERVAL 1 HOUR
ORDER BY seconds DESC, first_seen, srcaddr, srcport, dstaddr, dstport, protocol
LIMIT 10;
