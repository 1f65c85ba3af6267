WITH repeats AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        protocol,
        start_time,
        end_time,
        packets,
        bytes,
        action,
        log_status,
        count(*) AS copies,
        CASE WHEN min(source_id) = max(source_id) THEN 'within one source' ELSE 'across sources' END AS scope
    FROM flows
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    HAVING count(*) > 1
        AND min(pkt_srcaddr) IS NOT DISTINCT FROM max(pkt_srcaddr)
        AND min(pkt_dstaddr) IS NOT DISTINCT FROM max(pkt_dstaddr)
)

SELECT
    'sum' AS part,
    scope,
    count(*) AS groups,
    sum(copies)::BIGINT AS records,
    sum(copies - 1)::BIGINT AS repeated,
    sum((copies - 1) * bytes)::BIGINT AS repeated_bytes,
    NULL AS interface_id,
    NULL AS srcaddr,
    NULL AS dstaddr,
    NULL AS srcport,
    NULL AS dstport,
    NULL AS protocol,
    NULL AS start_time,
    NULL AS end_time,
    NULL AS packets,
    NULL AS bytes,
    NULL AS action,
    NULL AS log_status
FROM repeats
GROUP BY scope
UNION ALL
SELECT
    'example',
    scope,
    1,
    copies,
    copies - 1,
    (copies - 1) * bytes,
    * EXCLUDE (copies, scope)
FROM repeats
ORDER BY
    part DESC, repeated_bytes DESC NULLS LAST, repeated DESC, scope, interface_id, start_time, end_time,
    srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, action, log_status
LIMIT 10;
