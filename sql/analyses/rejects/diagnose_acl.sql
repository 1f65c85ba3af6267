-- summary: Whether a refused conversation was refused by a security group or by a network ACL, as far as its two directions tell.
-- param: addr CIDR = NULL -- only conversations with an end in this range
-- param: verdict TEXT = 'any' {any, network ACL, security group or network ACL, after the close} -- only conversations with this verdict
-- param: pause INTERVAL = '10 minutes' -- records with a longer pause between are another conversation, even if addresses and ports are the same
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action, interface-id, srcaddr, dstaddr, srcport, dstport, start
-- columns: verdict, refused, direction, interface_id, protocol, client, client_port, server, server_port, attempts, packets, first_seen, last_seen, request_accepted
-- tags: security, troubleshooting, reject
-- trap: both ends -- each interface for itself, as each has security groups of its own: an answer that another interface refuses says nothing of this one's network ACL
-- trap: replies -- what this is about: security groups let every answer through, so one that is refused was refused by a network ACL
-- trap: windows -- all records of a conversation are taken together
-- trap: no data -- left out
-- counts: one row for each conversation at an interface with a refused record: refused tells whether it was the request or the answer, direction whether that came in or went out (empty where the interface's own address, see who_is, is not known); attempts, packets, first_seen and last_seen are those of its refused records; if both were refused it is the answer where a request was accepted, else the request; request_accepted is when the first accepted request began
-- counts: 'network ACL': the request was accepted and its answer refused; 'security group or network ACL': the request was refused, or an answer whose request is not there
-- counts: 'after the close': TCP packets without a SYN that were refused after both directions had been accepted, and none was later; AWS logs as refused what arrives after the connection was closed, and no rule is to blame
-- counts: the request is the direction of the first SYN without ACK, or against that of SYN and ACK, in tcp_flags; else that from the range of ephemeral ports (32768 and above) to a well-known port or one in services; else that of the earlier start; if they are the same, that from the higher port; if the ports are the same, as in ICMP, that which was accepted
-- counts: without tcp_flags a new connection from the same ports, refused, looks like what came after the close
-- source: Amazon VPC user guide, flow log records: security group and network ACL rules
CREATE OR REPLACE MACRO diagnose_acl(
    addr := NULL, verdict := 'any', pause := '10 minutes',
    since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
-- An end of each conversation is its first, so that both directions have the same columns.
WITH refused AS MATERIALIZED (
    SELECT
        *,
        row_number() OVER () AS number
    FROM (
        SELECT DISTINCT
            flows.interface_id,
            protocol,
            least(srcaddr, dstaddr) AS addr1,
            greatest(srcaddr, dstaddr) AS addr2,
            CASE WHEN (srcaddr, srcport) <= (dstaddr, dstport) THEN srcport ELSE dstport END AS port1,
            CASE WHEN (srcaddr, srcport) <= (dstaddr, dstport) THEN dstport ELSE srcport END AS port2
        FROM traffic(
            'diagnose_acl',
            ['action', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport', 'start'],
            since,
            until,
            interface_id
        ) AS flows
        WHERE upper(action) = 'REJECT'
            AND srcaddr IS NOT NULL
            AND dstaddr IS NOT NULL
            AND touches(addr, srcaddr, dstaddr)
    )
),

records AS (
    SELECT
        refused.number,
        (srcaddr, srcport) <= (dstaddr, dstport) AS is_forward,
        record_moment(start_time, end_time, date) AS moment,
        greatest(record_moment(start_time, end_time, date), end_time) AS ended,
        upper(action) = 'REJECT' AS is_refused,
        coalesce(tcp_flags & 18, 0) AS syn,
        packets,
        lower(flow_direction) AS direction
    FROM traffic(
        'diagnose_acl',
        ['action', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport', 'start'],
        since,
        until,
        interface_id
    ) AS flows
    INNER JOIN refused
        ON flows.interface_id IS NOT DISTINCT FROM refused.interface_id
        AND flows.protocol IS NOT DISTINCT FROM refused.protocol
        AND least(srcaddr, dstaddr) = refused.addr1
        AND greatest(srcaddr, dstaddr) = refused.addr2
        AND CASE WHEN (srcaddr, srcport) <= (dstaddr, dstport) THEN srcport ELSE dstport END
            IS NOT DISTINCT FROM refused.port1
        AND CASE WHEN (srcaddr, srcport) <= (dstaddr, dstport) THEN dstport ELSE srcport END
            IS NOT DISTINCT FROM refused.port2
    WHERE upper(action) IN ('ACCEPT', 'REJECT')
),

parted AS (
    SELECT
        *,
        moment > max(ended) OVER (
            PARTITION BY number
            ORDER BY moment
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) + pause::INTERVAL AS is_after_pause
    FROM records
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (is_after_pause) OVER (
            PARTITION BY number
            ORDER BY moment
        ) AS part
    FROM parted
),

sides AS (
    SELECT
        number,
        part,
        is_forward,
        count(*) FILTER (is_refused) AS attempts,
        count(*) FILTER (NOT is_refused) AS accepted,
        total(CASE WHEN is_refused THEN packets END) AS packets,
        bool_or(is_refused AND syn > 0) AS has_refused_syn,
        max(direction) AS direction,
        min(moment) AS began,
        min(moment) FILTER (syn = 2) AS first_syn,
        min(moment) FILTER (syn = 18) AS first_syn_ack,
        min(moment) FILTER (is_refused) AS first_refused,
        max(moment) FILTER (is_refused) AS last_refused,
        min(moment) FILTER (NOT is_refused) AS first_accepted,
        max(moment) FILTER (NOT is_refused) AS last_accepted
    FROM numbered
    GROUP BY number, part, is_forward
),

parts AS (
    SELECT
        number,
        part,
        any_value(sides) FILTER (is_forward) AS forth,
        any_value(sides) FILTER (NOT is_forward) AS back,
        coalesce(
            bool_or(count(*) FILTER (accepted > 0) = 2) OVER (
                PARTITION BY number
                ORDER BY part
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            false
        ) AS was_answered
    FROM sides
    GROUP BY number, part
),

asked AS (
    SELECT
        parts.* EXCLUDE (number),
        refused.*,
        CASE
            WHEN coalesce(forth.first_syn, back.first_syn) IS NOT NULL
                THEN coalesce(forth.first_syn <= back.first_syn, forth.first_syn IS NOT NULL)
            WHEN coalesce(forth.first_syn_ack, back.first_syn_ack) IS NOT NULL
                THEN coalesce(back.first_syn_ack <= forth.first_syn_ack, back.first_syn_ack IS NOT NULL)
            WHEN least(port1, port2) < 32768
                AND greatest(port1, port2) >= 32768
                AND (least(port1, port2) < 1024 OR is_service(least(port1, port2)))
                THEN port1 > port2
            WHEN forth.began <> back.began THEN forth.began < back.began
            -- What comes alone is a request, unless it belongs to what was before.
            WHEN (forth IS NULL OR back IS NULL) AND (NOT was_answered OR port1 = port2) THEN forth IS NOT NULL
            WHEN port1 <> port2 THEN port1 > port2
            ELSE forth.accepted > 0 OR back.accepted = 0
        END AS is_forth
    FROM parts
    INNER JOIN refused
        ON parts.number = refused.number
),

roles AS (
    SELECT
        *,
        CASE WHEN is_forth THEN forth ELSE back END AS request,
        CASE WHEN is_forth THEN back ELSE forth END AS answer
    FROM asked
),

refusals AS (
    SELECT
        *,
        CASE WHEN is_answer THEN answer ELSE request END AS side,
        request.accepted > 0 AND is_answer AS is_refused_answer
    FROM (
        SELECT
            *,
            coalesce(answer.attempts > 0 AND (request IS NULL OR request.accepted > 0), false) AS is_answer
        FROM roles
        WHERE coalesce(request.attempts, 0) + coalesce(answer.attempts, 0) > 0
    )
),

judged AS MATERIALIZED (
    SELECT
        CASE
            WHEN protocol = 6
                AND NOT side.has_refused_syn
                AND (
                    was_answered
                    OR (request.first_accepted < side.first_refused AND answer.first_accepted < side.first_refused)
                )
                AND coalesce(greatest(request.last_accepted, answer.last_accepted) <= side.first_refused, true)
                THEN 'after the close'
            WHEN is_refused_answer THEN 'network ACL'
            ELSE 'security group or network ACL'
        END AS found,
        *
    FROM refusals
),

own AS (
    FROM interface_addresses(
        'diagnose_acl',
        ['action', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport', 'start'],
        since,
        until,
        wanted := EXISTS (FROM judged WHERE side.direction IS NULL)
    )
)

SELECT
    found AS verdict,
    CASE WHEN is_answer THEN 'answer' ELSE 'request' END AS refused,
    coalesce(
        side.direction,
        CASE
            WHEN (own1.addr IS NULL) = (own2.addr IS NULL) THEN NULL
            WHEN (own1.addr IS NOT NULL) = side.is_forward THEN 'egress'
            ELSE 'ingress'
        END
    ) AS direction,
    judged.interface_id,
    protocol,
    CASE WHEN is_forth THEN addr1 ELSE addr2 END AS client,
    CASE WHEN is_forth THEN port1 ELSE port2 END AS client_port,
    CASE WHEN is_forth THEN addr2 ELSE addr1 END AS "server",
    CASE WHEN is_forth THEN port2 ELSE port1 END AS server_port,
    side.attempts AS attempts,
    side.packets AS packets,
    side.first_refused AS first_seen,
    side.last_refused AS last_seen,
    request.first_accepted AS request_accepted
FROM judged
LEFT JOIN own AS own1
    ON judged.interface_id = own1.interface_id
    AND addr1 = own1.addr
LEFT JOIN own AS own2
    ON judged.interface_id = own2.interface_id
    AND addr2 = own2.addr
WHERE CASE
        WHEN one_of('verdict', verdict, ['any', 'network ACL', 'security group or network ACL', 'after the close'])
            THEN verdict IN ('any', found)
    END
ORDER BY
    list_position(['network ACL', 'security group or network ACL', 'after the close'], found),
    attempts DESC,
    judged.interface_id,
    protocol,
    client,
    client_port,
    "server",
    server_port,
    first_seen
LIMIT top;
