-- summary: Which interfaces had an address as their own, and with it which instances, subnets, VPCs, zones and accounts, and when.
-- param: addr CIDR -- an address or a range
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: interface-id, srcaddr, dstaddr
-- columns: addr, kind, interface_id, instance_id, subnet_id, vpc_id, az_id, region, account_id, flows, first_seen, last_seen
-- tags: inventory, troubleshooting
-- trap: both ends -- an address is the interface's own that has it, never its peer's
-- trap: nat -- what passes a NAT gateway is not its own: only an instance's interface has secondary addresses
-- trap: primary address -- both kinds: srcaddr and dstaddr show the primary one, pkt_srcaddr and pkt_dstaddr the secondary one of the packet
-- trap: windows -- a connection counts once for each of its records
-- trap: no data -- left out
-- counts: an interface's own address is the source of what goes out and the destination of what comes in, by flow_direction, else the address that is common to most of its records; if two are, it is the private one, else the one that is not another interface's own, else neither is
-- counts: kind is 'primary', or 'secondary' where pkt_srcaddr or pkt_dstaddr has another private or IPv6 address at that end, such as a container's; flows are the records in which the interface had the address; fields that were not logged are empty
-- source: Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO who_is(addr, since := NULL, until := NULL, interface_id := NULL, top := 100) AS TABLE
WITH own AS MATERIALIZED (
    FROM interface_addresses('who_is', ['interface-id', 'srcaddr', 'dstaddr'], since, until)
),

records AS (
    SELECT
        flows.interface_id,
        instance_id,
        subnet_id,
        vpc_id,
        az_id,
        region,
        account_id,
        srcaddr,
        dstaddr,
        CASE WHEN pkt_srcaddr <> srcaddr AND instance_id IS NOT NULL THEN pkt_srcaddr END AS pkt_srcaddr,
        CASE WHEN pkt_dstaddr <> dstaddr AND instance_id IS NOT NULL THEN pkt_dstaddr END AS pkt_dstaddr,
        count(*) AS flows,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('who_is', ['interface-id', 'srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE in_cidr(srcaddr, addr)
        OR in_cidr(dstaddr, addr)
        OR in_cidr(pkt_srcaddr, addr)
        OR in_cidr(pkt_dstaddr, addr)
    GROUP BY ALL
),

ends AS (
    SELECT
        unnest(
            [
                struct_pack(addr := srcaddr, shown := srcaddr, kind := 'primary'),
                struct_pack(addr := nullif(dstaddr, srcaddr), shown := dstaddr, kind := 'primary'),
                struct_pack(addr := pkt_srcaddr, shown := srcaddr, kind := 'secondary'),
                struct_pack(addr := pkt_dstaddr, shown := dstaddr, kind := 'secondary')
            ]
        ) AS one,
        records.*
    FROM records
),

sums AS (
    SELECT
        ends.one.addr AS known_addr,
        ends.one.kind AS kind,
        ends.interface_id AS known_interface,
        instance_id,
        subnet_id,
        vpc_id,
        az_id,
        region,
        account_id,
        sum(flows)::BIGINT AS flows,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM ends
    INNER JOIN own
        ON ends.interface_id = own.interface_id
        AND ends.one.shown = own.addr
    WHERE in_cidr(ends.one.addr, addr)
        AND (ends.one.kind = 'primary' OR contains(ends.one.addr, ':') OR is_private(ends.one.addr))
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
)

SELECT
    known_addr AS addr,
    kind,
    known_interface AS interface_id,
    instance_id,
    subnet_id,
    vpc_id,
    az_id,
    region,
    account_id,
    flows,
    first_seen,
    last_seen
FROM sums
ORDER BY
    ip_key(known_addr),
    known_addr,
    kind,
    first_seen,
    known_interface,
    instance_id,
    subnet_id,
    vpc_id,
    az_id,
    region,
    account_id
LIMIT top;
