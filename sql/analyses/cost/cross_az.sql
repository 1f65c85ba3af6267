-- summary: Traffic between availability zones, each byte once, and what it costs.
-- param: region REGION = NULL -- whose prices; NULL for those of the records' region, us-east-1 where they name none
-- param: per_gb NUMBER = NULL -- dollars for a GB, which is paid at each of its two ends; NULL for the price table's
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only what this interface saw; zones of other addresses are then known from next-hop-az-id alone
-- param: top INTEGER = 20 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, az-id, bytes
-- columns: part, source_zone, destination_zone, srcaddr, dstaddr, flows, bytes, gb, dollars, share
-- tags: cost
-- trap: both ends -- the sender's record counts, the receiver's only where no sender's was logged; the other is in 'logged by the sender too'
-- trap: nat -- the way from a client to a gateway in another zone counts, if the gateway's interface is logged too
-- trap: primary address -- of an instance the packet's address, so that containers are told apart
-- trap: windows -- summed
-- trap: replies -- what was refused is a part of its own
-- trap: no data -- left out
-- counts: an interface's own address is the source of what flow-direction calls egress and the destination of ingress, else the address that most of its records have; where two are equally common there is none
-- counts: the zone of the other end is next-hop-az-id, else the az-id with which that address is logged as an interface's own; an address that is logged in two zones has none
-- counts: 'between zones' has a row for each pair, and 'between regions' too; every other part is one row: 'unknown zone', 'same zone', 'public address' (the end without a zone is not private), 'logged by the sender too' and 'refused'; all rows together have the bytes of all records
-- counts: dollars are for both directions, $0.01 out of one zone and $0.01 into the other; not everything that crosses zones is charged, such as what a load balancer sends on, and what crosses regions has other prices
-- counts: a GB has 2^30 bytes; share is that of the bytes of all records; dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session
-- answers: AWS blogs: which traffic between availability zones costs most?
-- source: Caylent and AWS containers blogs, inter-AZ traffic from flow logs
CREATE OR REPLACE MACRO cross_az(
    region := NULL, per_gb := NULL, since := NULL, until := NULL, interface_id := NULL, top := 20
) AS TABLE
WITH logged AS (
    SELECT
        flows.interface_id AS interface,
        az_id,
        next_hop_az_id,
        lower(flow_direction) AS direction,
        srcaddr,
        dstaddr,
        CASE WHEN instance_id IS NOT NULL THEN pkt_srcaddr END AS inner_source,
        CASE WHEN instance_id IS NOT NULL THEN pkt_dstaddr END AS inner_destination,
        coalesce(upper(action) = 'REJECT', false) AS is_refused,
        max(flows.region) AS place,
        count(*) AS flows,
        coalesce(total(bytes), 0) AS bytes
    FROM traffic('cross_az', ['srcaddr', 'dstaddr', 'az-id', 'bytes'], since, until, interface_id) AS flows
    GROUP BY ALL
),

-- Where no record tells the direction: the address that an interface's records have in common.
homes AS (
    SELECT
        interface,
        is_six,
        max(addr) AS addr
    FROM (
        SELECT
            *,
            rank() OVER (PARTITION BY interface, is_six ORDER BY uses DESC) AS place
        FROM (
            SELECT
                interface,
                contains(addr, ':') AS is_six,
                addr,
                sum(uses) AS uses
            FROM (
                SELECT
                    interface,
                    unnest([srcaddr, dstaddr]) AS addr,
                    logged.flows AS uses
                FROM logged
                WHERE direction IS NULL
            )
            WHERE addr IS NOT NULL
            GROUP BY interface, addr
        )
    )
    WHERE place = 1
    GROUP BY interface, is_six
    HAVING count(*) = 1
),

sides AS (
    SELECT
        logged.*,
        CASE
            WHEN direction = 'egress' OR srcaddr = homes.addr THEN true
            WHEN direction = 'ingress' OR dstaddr = homes.addr THEN false
        END AS sends
    FROM logged
    LEFT JOIN homes
        ON logged.direction IS NULL
        AND logged.interface IS NOT DISTINCT FROM homes.interface
        AND contains(coalesce(logged.srcaddr, logged.dstaddr), ':') = homes.is_six
),

-- Within an instance, packets may have other addresses of its own.
inner_ends AS (
    SELECT
        *,
        CASE WHEN sends THEN inner_source ELSE inner_destination END AS inside
    FROM sides
),

own_ends AS (
    SELECT
        * REPLACE (CASE WHEN is_private(inside) THEN inside END AS inside)
    FROM inner_ends
),

ends AS (
    SELECT
        *,
        CASE WHEN sends THEN coalesce(inside, srcaddr) ELSE srcaddr END AS source,
        CASE WHEN NOT sends THEN coalesce(inside, dstaddr) ELSE dstaddr END AS destination
    FROM own_ends
),

zones AS (
    SELECT
        CASE WHEN sends THEN source ELSE destination END AS addr,
        min(az_id) AS zone
    FROM ends
    WHERE sends IS NOT NULL
        AND az_id IS NOT NULL
    GROUP BY 1
    HAVING min(az_id) = max(az_id)
),

ranked AS (
    SELECT
        *,
        CASE WHEN sends THEN '1' WHEN NOT sends THEN '2' ELSE concat('3', interface) END AS witness
    FROM ends
),

known AS (
    SELECT
        ranked.*,
        witness = min(witness) OVER (PARTITION BY source, destination, is_refused) AS is_counted,
        CASE
            WHEN sends THEN az_id
            ELSE coalesce(CASE WHEN NOT sends THEN next_hop_az_id END, source_zones.zone)
        END AS source_zone,
        CASE
            WHEN NOT sends THEN az_id
            ELSE coalesce(CASE WHEN sends THEN next_hop_az_id END, destination_zones.zone)
        END AS destination_zone
    FROM ranked
    LEFT JOIN zones AS source_zones ON ranked.source = source_zones.addr
    LEFT JOIN zones AS destination_zones ON ranked.destination = destination_zones.addr
),

parts AS (
    SELECT
        *,
        CASE
            WHEN is_refused THEN 'refused'
            WHEN NOT is_counted THEN 'logged by the sender too'
            WHEN source_zone = destination_zone THEN 'same zone'
            -- An id begins with that of its region: use1-az4.
            WHEN split_part(source_zone, '-', 1) <> split_part(destination_zone, '-', 1) THEN 'between regions'
            WHEN source_zone <> destination_zone THEN 'between zones'
            WHEN source_zone IS NULL AND NOT is_private(source)
                OR destination_zone IS NULL AND NOT is_private(destination) THEN 'public address'
            ELSE 'unknown zone'
        END AS part
    FROM known
),

sums AS (
    SELECT
        part,
        CASE WHEN starts_with(part, 'between') THEN source_zone END AS source_zone,
        CASE WHEN starts_with(part, 'between') THEN destination_zone END AS destination_zone,
        CASE WHEN starts_with(part, 'between') THEN source END AS srcaddr,
        CASE WHEN starts_with(part, 'between') THEN destination END AS dstaddr,
        max(place) AS place,
        total(flows) AS flows,
        total(bytes) AS bytes
    FROM parts
    GROUP BY 1, 2, 3, 4, 5
)

SELECT
    part,
    source_zone,
    destination_zone,
    srcaddr,
    dstaddr,
    flows,
    bytes,
    round(gigabytes(bytes), 6) AS gb,
    CASE
        WHEN part = 'between zones' THEN dollars_for(2.0 * bytes, 'between-zones', coalesce(region, place), per_gb)
    END AS dollars,
    CASE WHEN sum(bytes) OVER () > 0 THEN round(bytes / sum(bytes) OVER (), 6) END AS share
FROM sums
WHERE check_region(region)
    AND check_number('per_gb', per_gb, 0)
ORDER BY
    part NOT IN ('between zones', 'unknown zone'), bytes DESC, part, source_zone, destination_zone, srcaddr, dstaddr
LIMIT top;
