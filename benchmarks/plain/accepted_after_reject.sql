WITH refused AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        list_sort(list((start_time, dstport))) AS attempts
    FROM flows
    WHERE log_status = 'OK'
        AND action = 'REJECT'
        AND coalesce(tcp_flags & 18 <> 18, true)
    GROUP BY ALL
    HAVING count(*) >= 10
),

let_in AS (
    SELECT
        interface_id,
        srcaddr,
        dstaddr,
        flows.dstport,
        flows.protocol,
        any_value(attempts) AS attempts,
        min(start_time) AS first_accepted,
        count(*) AS flows,
        sum(bytes)::BIGINT AS bytes
    FROM flows
    INNER JOIN refused USING (interface_id, srcaddr, dstaddr)
    WHERE log_status = 'OK'
        AND action = 'ACCEPT'
        AND start_time > attempts[10][1]
        AND CASE tcp_flags & 18 WHEN 18 THEN false WHEN 2 THEN true ELSE srcport >= flows.dstport END
    GROUP BY ALL
),

before AS (
    SELECT * REPLACE (list_filter(attempts, lambda one: one[1] < first_accepted) AS attempts)
    FROM let_in
)

SELECT
    interface_id,
    srcaddr,
    dstaddr,
    dstport,
    before.protocol,
    name AS service,
    len(attempts) AS refused_before,
    len(list_distinct(list_transform(attempts, lambda one: one[2]))) AS ports_before,
    attempts[1][1] AS first_refused,
    attempts[-1][1] AS last_refused,
    first_accepted,
    flows,
    bytes
FROM before
LEFT JOIN services ON dstport = port AND before.protocol = services.protocol
ORDER BY refused_before DESC, interface_id, srcaddr, dstaddr, dstport, before.protocol
LIMIT 100;
