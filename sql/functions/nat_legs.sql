-- summary: What NAT gateways processed, by gateway, client and destination, from the private leg alone so that each byte counts once; then the rest.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them; none of the logs having one is an error
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface, which is then taken for a NAT gateway's
-- source: Amazon VPC user guide, flow log records, "Traffic through a NAT gateway"
CREATE OR REPLACE MACRO nat_legs(analysis, fields, since := NULL, until := NULL, interface_id := NULL) AS TABLE
WITH logged AS (
    SELECT
        CASE
            WHEN starts_with(resource_id, 'nat-') THEN resource_id
            ELSE coalesce(flows.interface_id, '-')
        END AS gateway,
        is_nat_gateway(interface_type, resource_id) AS is_named,
        instance_id,
        interface_type,
        srcaddr,
        dstaddr,
        pkt_srcaddr,
        pkt_dstaddr,
        coalesce(pkt_dstaddr <> dstaddr, false) AS goes_up,
        coalesce(pkt_srcaddr <> srcaddr, false) AS comes_down,
        coalesce(upper(action) = 'REJECT', false) AS is_refused,
        pkt_src_aws_service,
        pkt_dst_aws_service,
        region,
        vpc_id,
        bytes
    FROM traffic(analysis, fields, since, until, interface_id) AS flows
),

interfaces AS (
    SELECT
        gateway,
        bool_or(is_named) OR interface_id IS NOT NULL AS is_known,
        count(instance_id) = 0
        AND count(interface_type) = 0
        AND bool_or(goes_up OR comes_down)
        AND NOT bool_and(goes_up OR comes_down) AS is_likely,
        count(*) AS flows,
        coalesce(total(bytes), 0) AS bytes
    FROM logged
    GROUP BY gateway
),

pairs AS (
    SELECT
        gateway,
        srcaddr,
        dstaddr,
        pkt_srcaddr,
        pkt_dstaddr,
        goes_up,
        comes_down,
        is_refused,
        max(pkt_src_aws_service) AS source_service,
        max(pkt_dst_aws_service) AS destination_service,
        max(region) AS region,
        max(vpc_id) AS vpc_id,
        count(*) AS flows,
        coalesce(total(bytes), 0) AS bytes
    FROM logged
    WHERE gateway IN (SELECT interfaces.gateway FROM interfaces WHERE is_known OR is_likely)
    GROUP BY ALL
),

-- The two ends of what an interface exchanges as itself.
itself AS (
    SELECT
        gateway,
        srcaddr AS own,
        dstaddr AS far
    FROM pairs
    WHERE NOT goes_up AND NOT comes_down
    UNION
    SELECT
        gateway,
        dstaddr,
        srcaddr
    FROM pairs
    WHERE NOT goes_up AND NOT comes_down
),

legs AS (
    SELECT
        *,
        CASE WHEN goes_up THEN dstaddr ELSE srcaddr END AS own,
        CASE WHEN goes_up THEN srcaddr ELSE dstaddr END AS client,
        CASE WHEN goes_up THEN pkt_dstaddr ELSE pkt_srcaddr END AS far,
        CASE WHEN goes_up THEN destination_service ELSE source_service END AS aws_service
    FROM pairs
    WHERE goes_up <> comes_down
),

-- What a NAT gateway takes from a client for somebody, it exchanges with that one as itself.
gateways AS (
    SELECT gateway
    FROM interfaces
    WHERE is_known
    UNION
    SELECT legs.gateway
    FROM legs
    INNER JOIN itself
        ON legs.gateway = itself.gateway
        AND legs.own = itself.own
        AND legs.far = itself.far
),

-- One service for an address, whether a packet to it or from it says so.
services AS (
    SELECT
        far,
        max(aws_service) AS aws_service
    FROM legs
    GROUP BY far
),

processed AS (
    SELECT
        gateway,
        client,
        far,
        max(region) AS region,
        max(vpc_id) AS vpc_id,
        total(flows) AS flows,
        total(CASE WHEN goes_up THEN bytes ELSE 0 END) AS bytes_up,
        total(CASE WHEN comes_down THEN bytes ELSE 0 END) AS bytes_down
    FROM legs
    WHERE gateway IN (FROM gateways)
        AND NOT is_refused
        -- The public leg of a gateway with a second address.
        AND NOT coalesce(is_private(far) AND NOT is_private(client), false)
    GROUP BY gateway, client, far
),

rest AS (
    SELECT
        CASE WHEN interfaces.gateway IN (FROM gateways) THEN 'not processed' ELSE 'elsewhere' END AS part,
        total(interfaces.flows - coalesce(taken.flows, 0)) AS flows,
        total(interfaces.bytes - coalesce(taken.bytes, 0)) AS bytes
    FROM interfaces
    LEFT JOIN (
        SELECT
            processed.gateway,
            total(processed.flows) AS flows,
            total(processed.bytes_up::HUGEINT + processed.bytes_down) AS bytes
        FROM processed
        GROUP BY processed.gateway
    ) AS taken ON interfaces.gateway = taken.gateway
    GROUP BY part
)

SELECT
    'processed' AS part,
    gateway,
    client,
    processed.far AS destination,
    services.aws_service,
    region,
    vpc_id,
    flows,
    bytes_up,
    bytes_down,
    sum_of_two(bytes_up, bytes_down) AS bytes
FROM processed
LEFT JOIN services ON processed.far = services.far
UNION ALL
SELECT
    part,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    flows,
    NULL,
    NULL,
    bytes
FROM rest
WHERE flows > 0;
