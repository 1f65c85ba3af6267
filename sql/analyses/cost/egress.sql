-- summary: What leaves, by the way it takes, the AWS service it goes to and the region, and what the Internet's part costs.
-- param: region REGION = NULL -- whose prices; NULL for those of the records' region, us-east-1 where they name none
-- param: per_gb NUMBER = NULL -- dollars for a GB to the Internet; NULL for the price table's
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only what this interface saw
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, bytes
-- columns: path, aws_service, region, flows, bytes, gb, dollars, share
-- tags: cost
-- trap: both ends -- only what an interface sends counts, and what it receives is 'inbound'; where the log has neither flow-direction nor traffic-path, only from private to public addresses
-- trap: nat -- what a client sends to a NAT gateway stays in the VPC by its traffic-path, and the gateway's leg to the Internet counts; without traffic-path a client's record gives way to the gateway's, if pkt-srcaddr and pkt-dstaddr tell, and is 'sent on by a NAT gateway'
-- trap: windows -- summed
-- trap: replies -- what was refused is a row of its own
-- trap: no data -- left out
-- counts: path is what traffic_path says, else 'public address' or 'private address' for the destination's kind; 'inbound', 'refused', 'sent on by a NAT gateway' and 'unknown direction' (no direction, and not from a private address) are the rest; all rows together have the bytes of all records
-- counts: priced are the ways 'internet gateway', 'internet gateway or gateway endpoint' and 'public address', at the first tier and without the 100 GB a month that are free; what goes to an address of an AWS service is not, since that depends on the service and on its region, which no log has; a log without pkt-dst-aws-service has both in one
-- counts: multicast and broadcast are 'private address'; what IPv6 hosts with addresses of the Internet send is 'unknown direction' where the log has neither flow-direction nor traffic-path
-- counts: without traffic-path a transit gateway's interface counts again what it sends on to public addresses
-- counts: a GB has 2^30 bytes; share is that of the bytes of all records; dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session
-- answers: awslabs: traffic from private to public addresses
-- source: aws-samples, egress analyzer; Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO egress(
    region := NULL, per_gb := NULL, since := NULL, until := NULL, interface_id := NULL, top := 20
) AS TABLE
WITH pairs AS (
    SELECT
        flows.interface_id AS interface,
        srcaddr,
        dstaddr,
        CASE WHEN pkt_dstaddr <> dstaddr THEN pkt_dstaddr END AS sent_on_to,
        coalesce(pkt_srcaddr <> srcaddr, false) AS is_sent_on,
        lower(flow_direction) AS direction,
        traffic_path,
        pkt_dst_aws_service AS aws_service,
        flows.region AS place,
        coalesce(upper(action) = 'REJECT', false) AS is_refused,
        instance_id IS NOT NULL AS has_instance,
        count(*) AS flows,
        coalesce(total(bytes), 0) AS bytes
    FROM traffic('egress', ['srcaddr', 'dstaddr', 'bytes'], since, until, interface_id) AS flows
    GROUP BY ALL
),

-- Clients and destinations of NAT gateways whose leg to the destination is in the log too.
clients AS (
    SELECT DISTINCT
        taken.srcaddr,
        taken.sent_on_to
    FROM pairs AS taken
    INNER JOIN pairs AS given
        ON taken.interface = given.interface
        AND taken.dstaddr = given.srcaddr
        AND taken.sent_on_to = given.dstaddr
    WHERE NOT taken.has_instance
        AND given.sent_on_to IS NULL
        AND NOT given.is_sent_on
),

ways AS (
    SELECT
        CASE
            WHEN is_refused THEN 'refused'
            WHEN direction = 'ingress' THEN 'inbound'
            WHEN traffic_path IS NOT NULL THEN traffic_path_name(traffic_path)
            WHEN clients.srcaddr IS NOT NULL THEN 'sent on by a NAT gateway'
            WHEN direction = 'egress' OR is_private(pairs.srcaddr) THEN 'outbound'
        END AS way,
        -- What goes to a group of hosts, or to all, stays inside as well.
        is_private(dstaddr)
        OR regexp_matches(dstaddr, '^(22[4-9]|23[0-9])[.]|^255[.]255[.]255[.]255$|^[Ff][Ff]..:') AS is_inside,
        aws_service,
        place,
        flows,
        bytes
    FROM pairs
    LEFT JOIN clients
        ON pairs.srcaddr = clients.srcaddr
        AND pairs.dstaddr = clients.sent_on_to
),

sums AS (
    SELECT
        CASE
            WHEN way <> 'outbound' THEN way
            WHEN way = 'outbound' AND is_inside THEN 'private address'
            WHEN way = 'outbound' AND NOT is_inside THEN 'public address'
            WHEN way IS NULL AND is_inside THEN 'inbound'
            ELSE 'unknown direction'
        END AS path,
        CASE WHEN leaves THEN aws_service END AS aws_service,
        CASE WHEN leaves THEN place END AS place,
        total(flows) AS flows,
        total(bytes) AS bytes
    FROM (
        SELECT
            *,
            coalesce(way NOT IN ('refused', 'inbound', 'sent on by a NAT gateway'), false) AS leaves
        FROM ways
    )
    GROUP BY 1, 2, 3
)

SELECT
    path,
    aws_service,
    place AS region,
    flows,
    bytes,
    round(gigabytes(bytes), 6) AS gb,
    CASE
        WHEN path IN ('internet gateway', 'internet gateway or gateway endpoint', 'public address')
            AND aws_service IS NULL
            THEN dollars_for(bytes, 'internet', coalesce(region, place), per_gb)
    END AS dollars,
    CASE WHEN sum(bytes) OVER () > 0 THEN round(bytes / sum(bytes) OVER (), 6) END AS share
FROM sums
WHERE check_region(region)
    AND check_number('per_gb', per_gb, 0)
ORDER BY dollars DESC NULLS LAST, bytes DESC, path, aws_service, place
LIMIT top;
