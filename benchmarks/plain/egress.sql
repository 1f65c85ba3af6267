WITH pairs AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        CASE WHEN pkt_dstaddr <> dstaddr THEN pkt_dstaddr END AS sent_on_to,
        pkt_srcaddr <> srcaddr AS is_sent_on,
        flow_direction,
        traffic_path,
        pkt_dst_aws_service,
        region,
        action,
        instance_id IS NOT NULL AS has_instance,
        count(*) AS flows,
        sum(bytes) AS bytes
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY ALL
),

clients AS (
    SELECT DISTINCT taken.srcaddr, taken.sent_on_to AS dstaddr, true AS is_client
    FROM pairs AS taken
    INNER JOIN pairs AS given
        ON taken.interface_id = given.interface_id
        AND taken.dstaddr = given.srcaddr
        AND taken.sent_on_to = given.dstaddr
    WHERE NOT taken.has_instance
        AND given.sent_on_to IS NULL
        AND NOT given.is_sent_on
),

sums AS (
    SELECT
        CASE
            WHEN action = 'REJECT' THEN 'refused'
            WHEN flow_direction = 'ingress' THEN 'inbound'
            WHEN traffic_path = 1 THEN 'same VPC'
            WHEN traffic_path = 2 THEN 'internet gateway or gateway endpoint'
            WHEN traffic_path = 3 THEN 'virtual private gateway'
            WHEN traffic_path = 4 THEN 'peering, same region'
            WHEN traffic_path = 5 THEN 'peering, other region'
            WHEN traffic_path = 6 THEN 'local gateway'
            WHEN traffic_path = 7 THEN 'gateway endpoint'
            WHEN traffic_path = 8 THEN 'internet gateway'
            WHEN is_client THEN 'sent on by a NAT gateway'
            WHEN regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') THEN 'private address'
            ELSE 'public address'
        END AS path,
        CASE WHEN action <> 'REJECT' AND flow_direction = 'egress' AND traffic_path IS NULL AND is_client THEN NULL
            WHEN action <> 'REJECT' AND flow_direction = 'egress' THEN pkt_dst_aws_service END AS aws_service,
        CASE WHEN action <> 'REJECT' AND flow_direction = 'egress' AND traffic_path IS NULL AND is_client THEN NULL
            WHEN action <> 'REJECT' AND flow_direction = 'egress' THEN region END AS region,
        sum(flows)::BIGINT AS flows,
        sum(bytes)::BIGINT AS bytes
    FROM pairs
    LEFT JOIN clients USING (srcaddr, dstaddr)
    GROUP BY 1, 2, 3
)

SELECT
    *,
    round(bytes / 1073741824, 6) AS gb,
    CASE
        WHEN path IN ('internet gateway', 'internet gateway or gateway endpoint', 'public address') AND aws_service IS NULL
            THEN round(
                bytes / 1073741824
                * (SELECT any_value(dollars) FROM prices WHERE item = 'internet' AND prices.region = sums.region),
                6
            )
    END AS dollars,
    round(bytes / sum(bytes) OVER (), 6) AS share
FROM sums
ORDER BY dollars DESC NULLS LAST, bytes DESC, path, aws_service, region
LIMIT 20;
