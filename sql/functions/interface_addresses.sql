-- summary: The addresses that interfaces have as their own, as records show them: by their direction, else the one that is common to most.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them; none of the logs having one is an error
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- columns: interface_id, addr
-- source: Amazon VPC user guide, flow log records: srcaddr and dstaddr show the interface's own primary address as one of the two
CREATE OR REPLACE MACRO interface_addresses(analysis, fields, since := NULL, until := NULL) AS TABLE
-- Of all interfaces, whichever is asked for: one is told from its only peer by what that has as its own.
WITH pairs AS MATERIALIZED (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        lower(flow_direction) AS direction,
        count(*) AS flows
    FROM traffic(analysis, fields, since, until)
    WHERE interface_id IS NOT NULL
    GROUP BY interface_id, srcaddr, dstaddr, lower(flow_direction)
),

-- Each record is counted once in records, at the one or the other end.
ends AS (
    SELECT
        interface_id,
        srcaddr AS addr,
        flows,
        flows AS records,
        direction = 'egress' AS is_told,
        direction IN ('ingress', 'egress') AS has_direction
    FROM pairs
    WHERE srcaddr IS NOT NULL
    UNION ALL
    SELECT
        interface_id,
        dstaddr,
        flows,
        CASE WHEN srcaddr IS NULL THEN flows ELSE 0 END,
        direction = 'ingress',
        direction IN ('ingress', 'egress')
    FROM pairs
    WHERE dstaddr IS DISTINCT FROM srcaddr
        AND dstaddr IS NOT NULL
),

counted AS (
    SELECT
        interface_id,
        addr,
        contains(addr, ':') AS is_ipv6,
        sum(flows) AS flows,
        sum(records) AS records,
        coalesce(bool_or(is_told), false) AS is_told,
        coalesce(bool_or(has_direction), false) AS has_direction
    FROM ends
    GROUP BY interface_id, addr
),

ranked AS (
    SELECT
        interface_id,
        addr,
        is_ipv6,
        flows,
        is_told,
        bool_or(has_direction) OVER (PARTITION BY interface_id) AS has_direction,
        max(flows) OVER (PARTITION BY interface_id, is_ipv6) AS most,
        sum(records) OVER (PARTITION BY interface_id, is_ipv6) AS records
    FROM counted
),

-- Those that are in as many records: of an interface with one peer both are.
likely AS (
    SELECT
        interface_id,
        addr,
        is_ipv6,
        is_told,
        coalesce(is_private(addr), false) AS is_private_one
    FROM ranked
    WHERE is_told
        OR (NOT has_direction AND flows = most AND flows * 2 > records)
),

kept AS (
    SELECT
        *,
        is_told OR count(*) OVER (PARTITION BY interface_id, is_ipv6) = 1 AS is_sure
    FROM (
        SELECT *
        FROM likely
        QUALIFY is_told OR is_private_one = bool_or(is_private_one) OVER (PARTITION BY interface_id, is_ipv6)
    )
),

open AS (
    SELECT
        interface_id,
        addr,
        is_ipv6
    FROM kept
    WHERE NOT is_sure
        AND addr NOT IN (SELECT addr FROM kept WHERE is_sure)
)

SELECT
    interface_id,
    addr
FROM kept
WHERE is_sure
UNION ALL
SELECT
    interface_id,
    any_value(addr)
FROM open
GROUP BY interface_id, is_ipv6
HAVING count(*) = 1;
