-- summary: Who spends NAT gateway money, and on what: bytes that gateways processed by client and destination, in dollars.
-- param: region REGION = NULL -- whose prices; NULL for those of the records' region, us-east-1 where they name none
-- param: per_gb NUMBER = NULL -- dollars for a GB processed; NULL for the price table's
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface, which is then taken for a NAT gateway's; NULL to find them
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: pkt-srcaddr, pkt-dstaddr, bytes
-- columns: part, gateway, client, destination, aws_service, flows, bytes_up, bytes_down, bytes, gb, dollars, share
-- tags: cost, nat
-- trap: both ends -- only what the gateway's interface logs is looked at, so a client's own records are 'elsewhere'
-- trap: nat -- the gateway logs the leg to the client and the leg to the destination; the first alone counts
-- trap: primary address -- clients and destinations are those of the packets
-- trap: windows -- summed
-- trap: replies -- what was refused was not processed
-- trap: no data -- left out
-- counts: a gateway's interface is one whose interface-type or resource-id says so, or one without an instance that takes a client's packets for somebody with whom it then exchanges packets as itself, as transit gateways and endpoints do not; a NAT instance is one too if the log has no instance-id
-- counts: up is from the client and down is to it, and AWS charges for both
-- counts: 'not processed' is everything else at these interfaces: the leg to the destination, what was refused, what the Internet sends unasked; 'elsewhere' is all other traffic; with these two, in the last rows, the bytes add up to those of all records
-- counts: share is that of all bytes processed; a GB has 2^30 bytes; the hours of a gateway are not counted
-- counts: dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session, in Python and in a shell that opened the store read-only
-- answers: re:Post: How do I find the top contributors to traffic through my NAT gateway?
-- answers: re:Post: top clients of a NAT gateway, its top destinations, and uploads and downloads
-- source: re:Post, top contributors to traffic through a NAT gateway; Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO nat_traffic(
    region := NULL, per_gb := NULL, since := NULL, until := NULL, interface_id := NULL, top := 20
) AS TABLE
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
    round(gigabytes(bytes), 6) AS gb,
    CASE
        WHEN part = 'processed' THEN dollars_for(bytes, 'nat-gateway', coalesce(region, legs.region), per_gb)
    END AS dollars,
    CASE
        WHEN part = 'processed' AND sum(bytes) OVER (PARTITION BY part) > 0
            THEN round(bytes / sum(bytes) OVER (PARTITION BY part), 6)
    END AS share
FROM nat_legs('nat_traffic', ['pkt-srcaddr', 'pkt-dstaddr', 'bytes'], since, until, interface_id) AS legs
WHERE check_region(region)
    AND check_number('per_gb', per_gb, 0)
ORDER BY part <> 'processed', bytes DESC, part DESC, gateway, client, destination
LIMIT top;
