-- summary: Peers, ports, hosts or protocols that were never seen in the days before.
-- param: by KEYS = 'peer' {peer, port, host, protocol, interface_id} -- what is new, by itself or as a pair of two
-- param: days INTEGER 1..36500 = 14 -- how many days before it must not have been seen
-- param: since TIMESTAMP = NULL -- first moment, included; NULL for the newest day of the store
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: the key, flows, packets, bytes, days_before, first_seen, last_seen
-- tags: security, detection, baseline
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- summed
-- trap: replies -- what was refused does not count, neither as new nor as seen; an answer has the same host, peer and port as its request
-- trap: no data -- left out
-- counts: of a private and a public address the private one is the host and the public one the peer; of two of the same kind the host is the one that asks, and where that cannot be told, each in turn
-- counts: port is that of the service, see is_request; what has two ephemeral ports and no SYN in its flags has none, and is left out by port
-- counts: days_before is how many of the days before have records; if none has, nothing can be new, and there is no row
-- source: MITRE ATT&CK T1571; the "first seen" modifier of RITA
CREATE OR REPLACE MACRO first_seen(
    "by" := 'peer', days := 14, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH newest AS (
    SELECT coalesce(utc(since), max(flows.date)::TIMESTAMP) AS moment
    FROM flows
    WHERE since IS NULL
        AND (until IS NULL OR flows.date < utc(until))
),

baseline AS (
    SELECT count(DISTINCT flows.date) AS days_before
    FROM flows
    CROSS JOIN newest
    WHERE flows.date >= (newest.moment - to_days(days::INTEGER))::DATE
        AND flows.date < newest.moment
        AND (since IS NULL OR flows.date >= (utc(since) - to_days(days::INTEGER))::DATE)
        AND (since IS NULL OR flows.date < utc(since))
),

records AS (
    SELECT
        coalesce(start_time, end_time, date) >= newest.moment AS is_new,
        is_request(srcport, dstport, tcp_flags) AS is_asking,
        flows.interface_id,
        flows.protocol,
        srcaddr,
        srcport,
        dstaddr,
        dstport,
        packets,
        bytes,
        start_time
    FROM traffic(
        'first_seen', ['srcaddr', 'dstaddr'], utc(since) - to_days(days::INTEGER), until, interface_id
    ) AS flows
    CROSS JOIN newest
    WHERE coalesce(start_time, end_time, date) >= newest.moment - to_days(days::INTEGER)
        AND coalesce(upper(action) <> 'REJECT', true)
        AND check_keys('by', "by", ['peer', 'port', 'host', 'protocol', 'interface_id'])
        AND needs(
            'first_seen',
            list_concat(
                key_fields("by", ['protocol', 'interface_id']),
                CASE WHEN list_contains(keys_of("by"), 'port') THEN ['srcport', 'dstport'] ELSE [] END
            ),
            utc(since) - to_days(days::INTEGER),
            until
        )
        AND check_number('days', days, 1, highest := 36500)
),

directions AS (
    SELECT
        is_new,
        is_asking,
        srcaddr,
        dstaddr,
        -- What is not asked for makes no groups.
        CASE WHEN list_contains(keys_of("by"), 'interface_id') THEN records.interface_id END AS interface_id,
        CASE WHEN list_contains(keys_of("by"), 'protocol') THEN records.protocol END AS protocol,
        CASE
            WHEN NOT list_contains(keys_of("by"), 'port') THEN NULL
            WHEN is_asking THEN dstport
            WHEN NOT is_asking OR srcport = dstport THEN srcport
        END AS port,
        count(*) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM records
    GROUP BY 1, 2, 3, 4, 5, 6, 7
),

oriented AS (
    SELECT
        * EXCLUDE (is_asking),
        CASE
            WHEN is_private(srcaddr) <> is_private(dstaddr) THEN is_private(srcaddr)
            ELSE coalesce(is_asking, true)
        END AS from_host
    FROM directions
),

keyed AS (
    SELECT
        CASE WHEN from_host THEN srcaddr ELSE dstaddr END AS "host",
        CASE WHEN from_host THEN dstaddr ELSE srcaddr END AS peer,
        *
    FROM oriented
),

sums AS (
    SELECT
        COLUMNS(lambda c: is_key(c, "by", ['peer', 'port', 'host', 'protocol', 'interface_id'])),
        total(flows) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen,
        bool_and(is_new) AS is_new
    FROM keyed
    WHERE port IS NOT NULL
        OR NOT list_contains(keys_of("by"), 'port')
    GROUP BY ALL
)

SELECT
    sums.* EXCLUDE (is_new, first_seen, last_seen),
    days_before,
    first_seen,
    last_seen
FROM sums
CROSS JOIN baseline
WHERE is_new
    AND days_before > 0
ORDER BY
    bytes DESC NULLS LAST,
    sums.flows DESC,
    row(*COLUMNS(sums.* EXCLUDE (flows, packets, bytes, first_seen, last_seen, is_new)))
LIMIT top;
