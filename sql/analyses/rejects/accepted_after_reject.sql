-- summary: Sources that a target refused often and later let in.
-- param: threshold INTEGER 1.. = 10 -- the least number of refused attempts before
-- param: addr CIDR = NULL -- only where source or target is in this range
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action, srcaddr, dstaddr, dstport
-- columns: interface_id, srcaddr, dstaddr, dstport, protocol, service, refused_before, ports_before, first_refused, last_refused, first_accepted, flows, bytes
-- tags: security, detection, reject
-- trap: both ends -- each interface for itself: what leaves the source's interface and is refused at the target's was not let in
-- trap: replies -- an answer is neither an attempt nor let in: one that was refused is told by its SYN and ACK, one that was accepted also by its lower port
-- trap: windows -- attempts are records; a record counts at its start
-- trap: no data -- left out
-- counts: one row for each port that let the source in; refused_before are the refused records of the same two addresses at the same interface, at whichever port, that began before first_accepted, and ports_before is how many ports they tried
-- counts: first_accepted is the first record to the port that began after the attempt that made the number reach threshold; flows and bytes are of it and the later ones
-- source: refused, then let in: a rule that was opened, or a probe that found a way
CREATE OR REPLACE MACRO accepted_after_reject(
    threshold := 10, addr := NULL, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH refused AS (
    SELECT
        flows.interface_id,
        srcaddr,
        dstaddr,
        list_sort(
            list(struct_pack(moment := record_moment(start_time, end_time, date), port := dstport))
        ) AS attempts
    FROM traffic(
        'accepted_after_reject', ['action', 'srcaddr', 'dstaddr', 'dstport'], since, until, interface_id
    ) AS flows
    WHERE upper(action) = 'REJECT'
        AND coalesce(tcp_flags & 18 <> 18, true)
        AND touches(addr, srcaddr, dstaddr)
        AND check_number('threshold', threshold, 1)
    GROUP BY flows.interface_id, srcaddr, dstaddr
    HAVING count(*) >= coalesce(threshold, 1)
),

let_in AS (
    SELECT
        flows.interface_id,
        flows.srcaddr,
        flows.dstaddr,
        flows.dstport,
        flows.protocol,
        any_value(refused.attempts) AS attempts,
        min(record_moment(start_time, end_time, date)) AS first_accepted,
        count(*) AS flows,
        total(bytes) AS bytes
    FROM traffic(
        'accepted_after_reject', ['action', 'srcaddr', 'dstaddr', 'dstport'], since, until, interface_id
    ) AS flows
    INNER JOIN refused
        ON flows.interface_id IS NOT DISTINCT FROM refused.interface_id
        AND flows.srcaddr = refused.srcaddr
        AND flows.dstaddr = refused.dstaddr
        AND record_moment(start_time, end_time, date) > refused.attempts[coalesce(threshold, 1)].moment
    WHERE upper(action) = 'ACCEPT'
        AND NOT is_answer(srcport, dstport, tcp_flags)
    GROUP BY flows.interface_id, flows.srcaddr, flows.dstaddr, flows.dstport, flows.protocol
),

before AS (
    SELECT
        * EXCLUDE (attempts),
        list_filter(attempts, lambda one: one.moment < first_accepted) AS attempts
    FROM let_in
)

SELECT
    before.interface_id,
    srcaddr,
    dstaddr,
    dstport,
    protocol,
    service_name(dstport, protocol) AS service,
    len(attempts) AS refused_before,
    len(list_distinct(list_transform(attempts, lambda one: one.port))) AS ports_before,
    attempts[1].moment AS first_refused,
    attempts[-1].moment AS last_refused,
    first_accepted,
    flows,
    bytes
FROM before
ORDER BY refused_before DESC, before.interface_id, srcaddr, dstaddr, dstport, protocol
LIMIT top;
