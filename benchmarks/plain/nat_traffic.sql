WITH pairs AS (
    SELECT
        CASE WHEN starts_with(resource_id, 'nat-') THEN resource_id ELSE interface_id END AS gateway,
        srcaddr,
        dstaddr,
        pkt_srcaddr,
        pkt_dstaddr,
        pkt_dstaddr <> dstaddr AS goes_up,
        pkt_srcaddr <> srcaddr AS comes_down,
        action = 'REJECT' AS is_refused,
        max(pkt_src_aws_service) AS source_service,
        max(pkt_dst_aws_service) AS destination_service,
        max(region) AS region,
        max(vpc_id) AS vpc_id,
        bool_or(starts_with(resource_id, 'nat-') OR interface_type IN ('nat_gateway', 'regional_nat_gateway')) AS is_named,
        count(instance_id) AS instances,
        count(*) AS flows,
        sum(bytes) AS bytes
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY ALL
),

interfaces AS (
    SELECT
        gateway,
        bool_or(is_named) AS is_known,
        sum(instances) = 0 AND bool_or(goes_up OR comes_down) AND NOT bool_and(goes_up OR comes_down) AS is_likely,
        sum(flows)::BIGINT AS flows,
        sum(bytes)::BIGINT AS bytes
    FROM pairs
    GROUP BY gateway
),

itself AS (
    SELECT gateway, srcaddr AS own, dstaddr AS far
    FROM pairs
    WHERE NOT goes_up AND NOT comes_down AND gateway IN (SELECT gateway FROM interfaces WHERE is_likely)
    UNION
    SELECT gateway, dstaddr, srcaddr
    FROM pairs
    WHERE NOT goes_up AND NOT comes_down AND gateway IN (SELECT gateway FROM interfaces WHERE is_likely)
),

legs AS (
    SELECT
        gateway,
        CASE WHEN goes_up THEN dstaddr ELSE srcaddr END AS own,
        CASE WHEN goes_up THEN srcaddr ELSE dstaddr END AS client,
        CASE WHEN goes_up THEN pkt_dstaddr ELSE pkt_srcaddr END AS far,
        CASE WHEN goes_up THEN destination_service ELSE source_service END AS aws_service,
        goes_up,
        is_refused,
        region,
        vpc_id,
        flows,
        bytes
    FROM pairs
    WHERE goes_up <> comes_down
        AND gateway IN (SELECT gateway FROM interfaces WHERE is_known OR is_likely)
),

gateways AS (
    SELECT gateway
    FROM interfaces
    WHERE is_known
    UNION
    SELECT gateway
    FROM legs
    INNER JOIN itself USING (gateway, own, far)
),

processed AS (
    SELECT
        'processed' AS part,
        gateway,
        client,
        far AS destination,
        max(aws_service) AS aws_service,
        max(region) AS region,
        max(vpc_id) AS vpc_id,
        sum(flows)::BIGINT AS flows,
        coalesce(sum(bytes) FILTER (goes_up), 0)::BIGINT AS bytes_up,
        coalesce(sum(bytes) FILTER (NOT goes_up), 0)::BIGINT AS bytes_down,
        sum(bytes)::BIGINT AS bytes
    FROM legs
    WHERE gateway IN (FROM gateways)
        AND NOT is_refused
        AND NOT (regexp_matches(far, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') AND NOT regexp_matches(client, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)'))
    GROUP BY gateway, client, far
),

answer AS (
    FROM processed
    UNION ALL
    SELECT
        CASE WHEN gateway IN (FROM gateways) THEN 'not processed' ELSE 'elsewhere' END,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        sum(interfaces.flows - coalesce(taken.flows, 0))::BIGINT AS flows,
        NULL,
        NULL,
        sum(interfaces.bytes - coalesce(taken.bytes, 0))::BIGINT
    FROM interfaces
    LEFT JOIN (
        SELECT gateway, sum(flows) AS flows, sum(bytes) AS bytes
        FROM processed
        GROUP BY gateway
    ) AS taken USING (gateway)
    GROUP BY 1
    HAVING sum(interfaces.flows - coalesce(taken.flows, 0)) > 0
)

SELECT
    part,
    gateway,
    client,
    destination,
    aws_service,
    flows,
    bytes_up,
    bytes_down,
    bytes,
    round(bytes / 1073741824, 6) AS gb,
    CASE
        WHEN part = 'processed'
            THEN round(
                bytes / 1073741824
                * (SELECT any_value(dollars) FROM prices WHERE item = 'nat-gateway' AND prices.region = answer.region),
                6
            )
    END AS dollars,
    CASE WHEN part = 'processed' THEN round(bytes / sum(bytes) OVER (PARTITION BY part), 6) END AS share
FROM answer
ORDER BY part <> 'processed', bytes DESC, part DESC, gateway, client, destination
LIMIT 20;
