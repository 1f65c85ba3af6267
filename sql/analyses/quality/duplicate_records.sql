-- summary: Records that are in the store more than once, within one source and across sources, and what they count twice.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- columns: part, scope, groups, records, repeated, repeated_bytes, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, start_time, end_time, packets, bytes, action, log_status
-- tags: quality
-- trap: both ends -- the two records of a conversation name two interfaces, so they are no duplicates
-- trap: nat -- the records of a gateway's two legs differ, so they are no duplicates
-- trap: primary address -- records whose packets have other addresses, as those of two containers, are no duplicates
-- trap: windows -- records of other windows have other times
-- trap: no data -- counted too, without bytes
-- counts: records are the same if interface, addresses, ports, protocol, start, end, packets, bytes, action and status are, and none says that a packet's address is another
-- counts: the first rows are sums, one for each scope, and then come the groups of the same records as examples, the most bytes first; repeated are the records of a group but one, repeated_bytes their bytes, empty where none has any
-- counts: a group whose records come of several sources is 'across sources', even if one of these has several; two flow logs over one interface do that, if both were brought in
-- source: Amazon VPC user guide, flow log limitations
CREATE OR REPLACE MACRO duplicate_records(
    since := NULL, until := NULL, interface_id := NULL, top := 10
) AS TABLE
WITH repeats AS (
    SELECT
        flows.interface_id AS interface,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        protocol,
        start_time,
        end_time,
        packets,
        bytes,
        upper(action) AS action,
        upper(log_status) AS status,
        count(*) AS copies,
        CASE WHEN min(source_id) = max(source_id) THEN 'within one source' ELSE 'across sources' END AS scope
    FROM flows
    WHERE in_window(date, start_time, since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND needs('duplicate_records', field_if(interface_id, 'interface-id'), since, until)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    HAVING count(*) > 1
        AND min(pkt_srcaddr) IS NOT DISTINCT FROM max(pkt_srcaddr)
        AND min(pkt_dstaddr) IS NOT DISTINCT FROM max(pkt_dstaddr)
),

answer AS (
    SELECT
        'sum' AS part,
        scope,
        count(*) AS groups,
        total(copies) AS records,
        total(copies - 1) AS repeated,
        total((copies - 1) * bytes::HUGEINT) AS repeated_bytes,
        NULL AS interface,
        NULL AS srcaddr,
        NULL AS dstaddr,
        NULL AS srcport,
        NULL AS dstport,
        NULL AS protocol,
        NULL AS start_time,
        NULL AS end_time,
        NULL AS packets,
        NULL AS bytes,
        NULL AS action,
        NULL AS status
    FROM repeats
    GROUP BY scope
    UNION ALL
    SELECT
        'example',
        scope,
        1,
        copies,
        copies - 1,
        CASE WHEN bytes IS NOT NULL THEN least((copies - 1) * bytes::HUGEINT, 9223372036854775807)::BIGINT END,
        interface,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        protocol,
        start_time,
        end_time,
        packets,
        bytes,
        action,
        status
    FROM repeats
)

SELECT
    part,
    scope,
    groups,
    records,
    repeated,
    repeated_bytes,
    interface AS interface_id,
    srcaddr,
    dstaddr,
    srcport,
    dstport,
    protocol,
    start_time,
    end_time,
    packets,
    bytes,
    action,
    status AS log_status
FROM answer
ORDER BY
    part DESC, repeated_bytes DESC NULLS LAST, repeated DESC, scope, interface, start_time, end_time,
    srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, action, status
LIMIT top;
