-- summary: Requests to the ports of services, a row for each pair of addresses and port, with the bytes of the answers.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them
-- param: ports INTEGER[] -- the ports; NULL for those of the group
-- param: group_name TEXT -- a group in port_groups
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
-- param: interface_id TEXT -- only what this interface saw; NULL for all
CREATE OR REPLACE MACRO port_traffic(analysis, fields, ports, group_name, since, until, interface_id) AS TABLE
WITH numbers AS (
    SELECT unnest(ports::BIGINT[]) AS number
    UNION ALL
    SELECT known.number
    FROM port_groups AS known (label, number)
    WHERE ports IS NULL
        AND known.label = group_name
),

wanted AS (
    -- A bit for each port, which is looked up faster than a list or a join.
    SELECT bitstring_agg(numbers.number::INTEGER, 0, 65535) AS bits
    FROM numbers
    WHERE numbers.number <= 65535
),

records AS (
    SELECT
        flows.srcaddr,
        flows.srcport,
        flows.dstaddr,
        flows.dstport,
        flows.protocol,
        flows.packets,
        flows.bytes,
        flows.start_time,
        flows.tcp_flags,
        upper(flows.action) AS action,
        coalesce(get_bit(bits, flows.srcport) = 1, false) AS from_wanted,
        coalesce(get_bit(bits, flows.dstport) = 1, false) AS to_wanted
    FROM traffic(analysis, fields, since, until, interface_id) AS flows
    CROSS JOIN wanted
    WHERE get_bit(bits, flows.srcport) = 1
        OR get_bit(bits, flows.dstport) = 1
),

directed AS (
    SELECT
        *,
        CASE
            WHEN tcp_flags & 18 = 2 THEN true
            WHEN tcp_flags & 18 = 18 THEN false
            -- One of the two ports is asked for: it is the service's, unless the other end has a service of its own.
            WHEN from_wanted <> to_wanted
                AND NOT coalesce(is_service(CASE WHEN to_wanted THEN srcport ELSE dstport END), false)
                THEN to_wanted
            ELSE coalesce(srcport >= dstport, to_wanted)
        END AS is_asking
    FROM records
)

SELECT
    CASE WHEN is_asking THEN srcaddr ELSE dstaddr END AS srcaddr,
    CASE WHEN is_asking THEN dstaddr ELSE srcaddr END AS dstaddr,
    CASE WHEN is_asking THEN dstport ELSE srcport END AS dstport,
    protocol,
    count(*) FILTER (WHERE is_asking) AS flows,
    count(*) FILTER (WHERE is_asking AND action = 'ACCEPT') AS accepted,
    count(*) FILTER (WHERE is_asking AND action = 'REJECT') AS rejected,
    total(CASE WHEN is_asking THEN packets END) AS packets,
    total(CASE WHEN is_asking THEN bytes END) AS bytes,
    total(CASE WHEN NOT is_asking THEN bytes END) AS bytes_back,
    min(CASE WHEN is_asking THEN start_time END) AS first_seen,
    max(CASE WHEN is_asking THEN start_time END) AS last_seen
FROM directed
WHERE CASE WHEN is_asking THEN to_wanted ELSE from_wanted END
GROUP BY 1, 2, 3, 4
HAVING count(*) FILTER (WHERE is_asking) > 0;
