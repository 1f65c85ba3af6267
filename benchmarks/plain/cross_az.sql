WITH ends AS (
    SELECT
        flow_direction = 'egress' AS sends,
        interface_id,
        az_id,
        CASE
            WHEN flow_direction = 'egress' AND instance_id IS NOT NULL AND regexp_matches(pkt_srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') THEN pkt_srcaddr
            ELSE srcaddr
        END AS srcaddr,
        CASE
            WHEN flow_direction = 'ingress' AND instance_id IS NOT NULL AND regexp_matches(pkt_dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') THEN pkt_dstaddr
            ELSE dstaddr
        END AS dstaddr,
        next_hop_az_id,
        action = 'REJECT' AS is_refused,
        max(region) AS region,
        count(*) AS flows,
        sum(bytes) AS bytes
    FROM flows
    WHERE log_status = 'OK'
    GROUP BY ALL
),

zones AS (
    SELECT CASE WHEN sends THEN srcaddr ELSE dstaddr END AS addr, min(az_id) AS zone
    FROM ends
    GROUP BY 1
    HAVING min(az_id) = max(az_id)
),

known AS (
    SELECT
        ends.*,
        sends = bool_or(sends) OVER (PARTITION BY srcaddr, dstaddr, is_refused) AS is_counted,
        CASE WHEN sends THEN az_id ELSE coalesce(next_hop_az_id, source_zones.zone) END AS source_zone,
        CASE WHEN sends THEN coalesce(next_hop_az_id, destination_zones.zone) ELSE az_id END AS destination_zone
    FROM ends
    LEFT JOIN zones AS source_zones ON srcaddr = source_zones.addr
    LEFT JOIN zones AS destination_zones ON dstaddr = destination_zones.addr
),

parts AS (
    SELECT
        *,
        CASE
            WHEN is_refused THEN 'refused'
            WHEN NOT is_counted THEN 'logged by the sender too'
            WHEN source_zone = destination_zone THEN 'same zone'
            WHEN split_part(source_zone, '-', 1) <> split_part(destination_zone, '-', 1) THEN 'between regions'
            WHEN source_zone <> destination_zone THEN 'between zones'
            WHEN source_zone IS NULL AND NOT regexp_matches(srcaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)')
                OR destination_zone IS NULL AND NOT regexp_matches(dstaddr, '^(10\.|192\.168\.|169\.254\.|127\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe[89ab]|::1$)') THEN 'public address'
            ELSE 'unknown zone'
        END AS part
    FROM known
),

sums AS (
    SELECT
        part,
        CASE WHEN starts_with(part, 'between') THEN source_zone END AS source_zone,
        CASE WHEN starts_with(part, 'between') THEN destination_zone END AS destination_zone,
        CASE WHEN starts_with(part, 'between') THEN srcaddr END AS srcaddr,
        CASE WHEN starts_with(part, 'between') THEN dstaddr END AS dstaddr,
        sum(flows)::BIGINT AS flows,
        sum(bytes)::BIGINT AS bytes,
        round(sum(bytes)::BIGINT / 1073741824, 6) AS gb,
        max(region) AS place
    FROM parts
    GROUP BY 1, 2, 3, 4, 5
)

SELECT
    * EXCLUDE (place),
    CASE
        WHEN part = 'between zones' THEN round(
            2 * bytes / 1073741824
            * (SELECT any_value(dollars) FROM prices WHERE item = 'between-zones' AND region = place),
            6
        )
    END AS dollars,
    round(bytes / sum(bytes) OVER (), 6) AS share
FROM sums
ORDER BY
    part NOT IN ('between zones', 'unknown zone'), bytes DESC, part, source_zone, destination_zone, srcaddr, dstaddr
LIMIT 20;
