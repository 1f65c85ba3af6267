SELECT
    addr,
    kind,
    interface_id,
    instance_id,
    subnet_id,
    vpc_id,
    az_id,
    region,
    account_id,
    sum(flows)::BIGINT AS flows,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM (
    SELECT
        CASE flow_direction WHEN 'egress' THEN srcaddr ELSE dstaddr END AS addr,
        'primary' AS kind,
        interface_id,
        instance_id,
        subnet_id,
        vpc_id,
        az_id,
        region,
        account_id,
        count(*) AS flows,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM flows
    WHERE log_status = 'OK'
        AND (srcaddr = $addr OR dstaddr = $addr)
    GROUP BY ALL
    UNION ALL
    SELECT
        CASE flow_direction WHEN 'egress' THEN pkt_srcaddr ELSE pkt_dstaddr END AS addr,
        'secondary',
        interface_id,
        instance_id,
        subnet_id,
        vpc_id,
        az_id,
        region,
        account_id,
        count(*),
        min(start_time),
        max(start_time)
    FROM flows
    WHERE log_status = 'OK'
        AND instance_id IS NOT NULL
        AND (
            (flow_direction = 'egress' AND pkt_srcaddr = $addr AND srcaddr <> pkt_srcaddr)
            OR (flow_direction = 'ingress' AND pkt_dstaddr = $addr AND dstaddr <> pkt_dstaddr)
        )
    GROUP BY ALL
)
WHERE addr = $addr
GROUP BY ALL
ORDER BY ALL
LIMIT 100;
