-- summary: Bytes of S3 and DynamoDB through NAT gateways, and the dollars that a gateway endpoint, which is free, would save.
-- param: region REGION = NULL -- whose prices; NULL for those of the records' region, us-east-1 where they name none
-- param: per_gb NUMBER = NULL -- dollars for a GB processed; NULL for the price table's
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface, which is then taken for a NAT gateway's; NULL to find them
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: pkt-srcaddr, pkt-dstaddr, pkt-dst-aws-service, bytes
-- columns: part, aws_service, gateway, vpc_id, clients, flows, bytes_up, bytes_down, bytes, gb, dollars, share
-- tags: cost, nat
-- trap: both ends -- only what the gateway's interface logs is looked at
-- trap: nat -- the leg to the client alone counts
-- trap: primary address -- the service is that of the packets' address
-- trap: windows -- summed
-- trap: replies -- what was refused was not processed
-- trap: no data -- left out
-- counts: gateways are found, and bytes counted, as in nat_traffic; one row for each service, gateway and VPC
-- counts: a destination is the service's if a packet to or from it says so, so pkt-src-aws-service adds what was only downloaded
-- counts: 'other service' is what else NAT gateways processed; 'not processed' and 'elsewhere' are those of nat_traffic; with these rows, the last ones, the bytes add up to those of all records
-- counts: share is that of all bytes processed; a GB has 2^30 bytes; an endpoint serves its own region alone, and no log says in which region an address of S3 is, so this is the most that it could save
-- answers: re:Post: Why is my NAT gateway bill high? S3 and DynamoDB through it
-- source: aws-samples, egress analyzer; Amazon VPC user guide, gateway endpoints
CREATE OR REPLACE MACRO gateway_endpoint_savings(
    region := NULL, per_gb := NULL, since := NULL, until := NULL, interface_id := NULL, top := 20
) AS TABLE
WITH sums AS (
    SELECT
        CASE
            WHEN part <> 'processed' THEN part
            WHEN legs.aws_service IN ('S3', 'DYNAMODB') THEN 'gateway endpoint'
            ELSE 'other service'
        END AS part,
        CASE WHEN legs.aws_service IN ('S3', 'DYNAMODB') THEN legs.aws_service END AS aws_service,
        CASE WHEN legs.aws_service IN ('S3', 'DYNAMODB') THEN gateway END AS gateway,
        CASE WHEN legs.aws_service IN ('S3', 'DYNAMODB') THEN vpc_id END AS vpc_id,
        max(legs.region) AS place,
        count(DISTINCT client) AS clients,
        total(flows) AS flows,
        total(bytes_up) AS bytes_up,
        total(bytes_down) AS bytes_down,
        total(bytes) AS bytes
    FROM nat_legs(
        'gateway_endpoint_savings', ['pkt-srcaddr', 'pkt-dstaddr', 'pkt-dst-aws-service', 'bytes'],
        since, until, interface_id
    ) AS legs
    GROUP BY 1, 2, 3, 4
)

SELECT
    part,
    aws_service,
    gateway,
    vpc_id,
    CASE WHEN bytes_up IS NOT NULL THEN clients END AS clients,
    flows,
    bytes_up,
    bytes_down,
    bytes,
    round(gigabytes(bytes), 6) AS gb,
    CASE
        WHEN part = 'gateway endpoint' THEN dollars_for(bytes, 'nat-gateway', coalesce(region, place), per_gb)
    END AS dollars,
    CASE
        WHEN bytes_up IS NOT NULL AND sum(bytes_up::HUGEINT + bytes_down) OVER () > 0
            THEN round(bytes / sum(bytes_up::HUGEINT + bytes_down) OVER (), 6)
    END AS share
FROM sums
WHERE check_region(region)
    AND check_number('per_gb', per_gb, 0)
ORDER BY part <> 'gateway endpoint', part <> 'other service', bytes DESC, part DESC, aws_service, gateway, vpc_id
LIMIT top;
