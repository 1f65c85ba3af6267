-- summary: TCP connections that a client began and no server answered.
-- param: threshold INTEGER = 1 -- the least number of connections without an answer
-- param: with_refused BOOLEAN = false -- also count connections that were refused
-- param: addr CIDR = NULL -- only where client or server is in this range
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport, tcp-flags
-- columns: srcaddr, dstaddr, dstport, service, unanswered, refused, answered, packets, first_seen, last_seen
-- tags: troubleshooting, detection
-- trap: both ends -- a connection counts once, however many interfaces log it, and is answered if one of them saw it; its packets are those of the interface that saw most
-- trap: replies -- an answer that was refused on its way is an answer all the same: see diagnose_acl
-- trap: windows -- a connection of many records counts once
-- trap: no data -- left out
-- counts: a connection is a pair of addresses and ports with a SYN (flags & 18 = 2) from the client, answered by SYN and ACK (flags & 18 = 18) the other way, whenever in the window of time; so one that begins with the last record, or uses its ports twice and is answered once, is told wrong
-- counts: unanswered are the connections without an answer, refused those of them with a refused record, which count only with with_refused; answered are the connections of the same client to the same port that had one
-- source: Amazon VPC user guide, TCP flag sequence
CREATE OR REPLACE MACRO unanswered(
    threshold := 1, with_refused := false, addr := NULL, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH seen AS (
    SELECT
        flows.interface_id,
        CASE WHEN tcp_flags & 16 > 0 THEN dstaddr ELSE srcaddr END AS client,
        CASE WHEN tcp_flags & 16 > 0 THEN dstport ELSE srcport END AS client_port,
        CASE WHEN tcp_flags & 16 > 0 THEN srcaddr ELSE dstaddr END AS "server",
        CASE WHEN tcp_flags & 16 > 0 THEN srcport ELSE dstport END AS server_port,
        bool_or(tcp_flags & 16 = 0) AS has_begun,
        bool_or(tcp_flags & 16 > 0) AS is_answered,
        coalesce(bool_or(tcp_flags & 16 = 0 AND upper(action) = 'REJECT'), false) AS is_refused,
        total(CASE WHEN tcp_flags & 16 = 0 THEN packets END) AS packets,
        min(start_time) FILTER (tcp_flags & 16 = 0) AS first_seen,
        max(start_time) FILTER (tcp_flags & 16 = 0) AS last_seen
    FROM traffic(
        'unanswered', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'tcp-flags'], since, until, interface_id
    ) AS flows
    WHERE tcp_flags & 2 > 0
        AND coalesce(protocol = 6, true)
        AND touches(addr, srcaddr, dstaddr)
        AND check_number('threshold', threshold, 0)
    GROUP BY 1, 2, 3, 4, 5
),

connections AS (
    SELECT
        client,
        client_port,
        "server",
        server_port,
        bool_or(is_answered) AS is_answered,
        bool_or(is_refused) AS is_refused,
        max(packets) AS packets,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM seen
    GROUP BY client, client_port, "server", server_port
    HAVING bool_or(has_begun)
)

SELECT
    client AS srcaddr,
    "server" AS dstaddr,
    server_port AS dstport,
    service_name(server_port, 6) AS service,
    count(*) FILTER (NOT is_answered AND (with_refused OR NOT is_refused)) AS unanswered,
    count(*) FILTER (NOT is_answered AND is_refused) AS refused,
    count(*) FILTER (is_answered) AS answered,
    total(CASE WHEN NOT is_answered AND (with_refused OR NOT is_refused) THEN packets END) AS packets,
    min(first_seen) FILTER (NOT is_answered AND (with_refused OR NOT is_refused)) AS first_seen,
    max(last_seen) FILTER (NOT is_answered AND (with_refused OR NOT is_refused)) AS last_seen
FROM connections
GROUP BY client, "server", server_port
HAVING unanswered >= greatest(threshold, 1)
ORDER BY unanswered DESC, srcaddr, dstaddr, dstport
LIMIT top;
