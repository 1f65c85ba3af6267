-- summary: The addresses that interfaces have as their own, as records show them: by their direction, else the one that is common to most.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them; none of the logs having one is an error
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: wanted BOOLEAN = true -- false has no rows, and reads no records; such as whether anything there is that records do not tell themselves
-- columns: interface_id, addr
-- source: Amazon VPC user guide, flow log records: srcaddr or dstaddr is the interface's own primary address
CREATE OR REPLACE MACRO interface_addresses(analysis, fields, since := NULL, until := NULL, wanted := true) AS TABLE
-- Of all interfaces, whichever is asked for: one is told from its only peer by what that has as its own.
WITH asked AS MATERIALIZED (
    SELECT true AS is_asked
    WHERE wanted
),

logged AS MATERIALIZED (
    SELECT
        interface_id,
        lower(flow_direction) IN ('ingress', 'egress') AS is_told,
        CASE lower(flow_direction) WHEN 'egress' THEN srcaddr WHEN 'ingress' THEN dstaddr END AS addr
    FROM summed_traffic(analysis, fields, true, since, until)
    CROSS JOIN asked
    WHERE interface_id IS NOT NULL
    GROUP BY ALL
),

told AS MATERIALIZED (
    SELECT DISTINCT
        interface_id,
        addr
    FROM logged
    WHERE is_told
),

-- Where there is none, the records are not read again.
untold AS MATERIALIZED (
    SELECT interface_id
    FROM logged
    GROUP BY interface_id
    HAVING NOT coalesce(bool_or(is_told), false)
),

-- Its own address is in all of its records but for odd ones, so a few of them have it.
drawn AS (
    SELECT
        interface_id,
        contains(coalesce(srcaddr, dstaddr), ':') AS is_ipv6,
        arg_min(
            struct_pack(src := srcaddr, dst := nullif(dstaddr, srcaddr)), hash(start_time, srcport, dstport), 16
        ) AS records
    -- That the fields are there is known by now.
    FROM flows AS records
    SEMI JOIN untold ON records.interface_id = untold.interface_id
    WHERE is_traffic(records.log_status, records.bytes, records.srcaddr)
        AND in_window(records.date, records.start_time, since, until)
        AND coalesce(srcaddr, dstaddr) IS NOT NULL
    GROUP BY ALL
),

drawn_ends AS (
    SELECT
        interface_id,
        is_ipv6,
        len(records) AS records,
        unnest(
            list_concat(
                list_transform(records, lambda one: one.src), list_transform(records, lambda one: one.dst)
            )
        ) AS addr
    FROM drawn
),

frequent AS (
    SELECT
        interface_id,
        is_ipv6,
        addr,
        count(*) AS flows,
        records
    FROM drawn_ends
    WHERE addr IS NOT NULL
    GROUP BY interface_id, is_ipv6, addr, records
    HAVING count(*) * 4 > records
),

-- What a few records leave open all of them decide.
known AS MATERIALIZED (
    SELECT
        *,
        records < 16 OR (flows = records AND count(*) OVER (PARTITION BY interface_id, is_ipv6) = 1) AS is_settled
    FROM frequent
),

counted AS (
    SELECT
        interface_id,
        is_ipv6,
        addr,
        flows,
        records
    FROM known
    WHERE is_settled
    UNION ALL
    SELECT
        known.interface_id,
        known.is_ipv6,
        known.addr,
        count(*) FILTER (coalesce(known.addr = records.srcaddr OR known.addr = records.dstaddr, false)),
        count(*)
    FROM flows AS records
    INNER JOIN known
        ON records.interface_id = known.interface_id
        AND contains(coalesce(records.srcaddr, records.dstaddr), ':') = known.is_ipv6
    WHERE NOT known.is_settled
        AND is_traffic(records.log_status, records.bytes, records.srcaddr)
        AND in_window(records.date, records.start_time, since, until)
    GROUP BY known.interface_id, known.is_ipv6, known.addr
),

likely AS (
    SELECT
        interface_id,
        is_ipv6,
        addr,
        coalesce(is_private(addr), false) AS is_private_one
    FROM counted
    WHERE flows * 2 > records
    QUALIFY flows = max(flows) OVER (PARTITION BY interface_id, is_ipv6)
),

-- Two are in as many records where there is one peer: of these the private one.
kept AS (
    SELECT
        interface_id,
        is_ipv6,
        addr,
        count(*) OVER (PARTITION BY interface_id, is_ipv6) = 1 AS is_sure
    FROM (
        SELECT *
        FROM likely
        QUALIFY is_private_one = bool_or(is_private_one) OVER (PARTITION BY interface_id, is_ipv6)
    )
),

ends AS (
    SELECT
        interface_id,
        NULL::BOOLEAN AS is_ipv6,
        addr,
        true AS is_sure
    FROM told
    WHERE addr IS NOT NULL
    UNION ALL
    SELECT
        interface_id,
        is_ipv6,
        addr,
        is_sure
    FROM kept
),

-- What is the address of one interface for sure is not that of another that has two in question.
taken AS (
    SELECT
        *,
        bool_or(is_sure) OVER (PARTITION BY addr) AS is_taken
    FROM ends
)

SELECT
    interface_id,
    addr
FROM taken
WHERE is_sure OR NOT is_taken
QUALIFY is_sure OR count(*) OVER (PARTITION BY interface_id, is_ipv6, is_sure) = 1;
