-- summary: Pairs that are in contact again and again at the same interval, with a score from 0 to 1 and its parts.
-- param: contacts INTEGER 3.. = 20 -- how many contacts there have to be
-- param: min_score NUMBER = 0.85 -- the lowest score of a beacon
-- param: window_seconds INTEGER 1..86400 = NULL -- the longest that a record lasts; NULL for the longest at the pair's interface, from 60 to 600
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, srcport, dstport, start, end
-- columns: srcaddr, dstaddr, dstport, protocol, contacts, score, interval_score, size_score, duration_score, coverage_score, period_seconds, window_seconds, remark, bytes, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- of a pair only the interface that logged most of it counts
-- trap: nat -- a pair is the addresses as they were logged: a host and its peer, and a NAT gateway and that peer
-- trap: windows -- a connection that goes on is a record in each window, at the windows' own interval; a period under three windows may be that, and is not scored
-- trap: replies -- answers are no contacts
-- trap: no data -- left out
-- counts: a contact is one second in which records of a source, a destination, its port and its protocol start; what has no ports, such as ICMP, or equal ones counts in both directions
-- counts: interval_score is the regularity of the seconds from one contact to the next, size_score that of the bytes of the contacts; duration_score is the part of the time between the first and the last record of all that lies between the pair's first and last; coverage_score is the part of the pair's time that contacts at the period account for; score is the mean of the four
-- counts: period_seconds is the median from one contact to the next; a pair whose period is under three windows has no score, but is a row at the end if it would have reached min_score
-- source: RITA, beacon score
CREATE OR REPLACE MACRO beacons(
    contacts := 20, min_score := 0.85, window_seconds := NULL,
    since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH logged AS (
    SELECT
        flows.interface_id,
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        count(*) AS records,
        max(epoch(end_time) - epoch(start_time)) AS longest,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic(
        'beacons', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'start', 'end'], since, until, interface_id
    ) AS flows
    WHERE is_request(srcport, dstport, tcp_flags) IS NOT false
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND start_time IS NOT NULL
        AND check_number('contacts', contacts, 3)
        AND check_number('min_score', min_score, 0)
        AND check_number('window_seconds', window_seconds, 1, highest := 86400)
    GROUP BY 1, 2, 3, 4, 5
),

windows AS (
    SELECT
        logged.interface_id,
        coalesce(window_seconds, least(greatest(60, max(longest)), 600))::INTEGER AS seconds
    FROM logged
    GROUP BY logged.interface_id
),

span AS (
    SELECT nullif(epoch(max(last_seen)) - epoch(min(first_seen)), 0) AS seconds
    FROM logged
),

pairs AS (
    SELECT
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        arg_max(logged.interface_id, (records, logged.interface_id)) AS chosen
    FROM logged
    GROUP BY 1, 2, 3, 4
    HAVING max(records) >= contacts
),

seconds AS (
    SELECT
        pairs.srcaddr,
        pairs.dstaddr,
        pairs.dstport,
        pairs.protocol,
        chosen,
        epoch(flows.start_time) AS second,
        total(flows.bytes) AS bytes
    FROM traffic(
        'beacons', ['srcaddr', 'dstaddr', 'srcport', 'dstport', 'start', 'end'], since, until, interface_id
    ) AS flows
    INNER JOIN pairs
        ON flows.srcaddr = pairs.srcaddr
        AND flows.dstaddr = pairs.dstaddr
        AND flows.dstport IS NOT DISTINCT FROM pairs.dstport
        AND flows.protocol IS NOT DISTINCT FROM pairs.protocol
        AND flows.interface_id IS NOT DISTINCT FROM chosen
    WHERE is_request(flows.srcport, flows.dstport, flows.tcp_flags) IS NOT false
        AND flows.start_time IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
),

gaps AS (
    SELECT
        *,
        second - lag(second) OVER (
            PARTITION BY srcaddr, dstaddr, dstport, protocol
            ORDER BY second
        ) AS gap
    FROM seconds
),

measures AS (
    SELECT
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        chosen,
        count(*) AS contacts,
        quantile_cont(gap, [0.25, 0.5, 0.75]) AS gaps,
        mad(gap) AS gap_deviation,
        quantile_cont(bytes::DOUBLE, [0.25, 0.5, 0.75]) AS sizes,
        mad(bytes::DOUBLE) AS size_deviation,
        total(bytes) AS bytes,
        min(second) AS first_second,
        max(second) AS last_second
    FROM gaps
    GROUP BY 1, 2, 3, 4, 5
    HAVING count(*) >= contacts
),

parts AS (
    SELECT
        measures.*,
        windows.seconds AS "window",
        regularity(gaps, gap_deviation) AS interval_score,
        regularity(sizes, size_deviation) AS size_score,
        least(1, (last_second - first_second) / span.seconds) AS duration_score,
        least(1, gaps[2] * (measures.contacts - 1) / (last_second - first_second)) AS coverage_score
    FROM measures
    INNER JOIN windows ON measures.chosen IS NOT DISTINCT FROM windows.interface_id
    CROSS JOIN span
),

scores AS (
    SELECT
        *,
        list_avg([interval_score, size_score, duration_score, coverage_score]) AS score,
        gaps[2] < 3 * "window" AS is_short
    FROM parts
)

SELECT
    srcaddr,
    dstaddr,
    dstport,
    protocol,
    scores.contacts,
    CASE WHEN NOT is_short THEN round(score, 6) END AS score,
    round(interval_score, 6) AS interval_score,
    round(size_score, 6) AS size_score,
    round(duration_score, 6) AS duration_score,
    round(coverage_score, 6) AS coverage_score,
    gaps[2] AS period_seconds,
    "window" AS window_seconds,
    CASE WHEN is_short THEN 'period under three windows' END AS remark,
    bytes,
    make_timestamp((first_second * 1000000)::BIGINT) AS first_seen,
    make_timestamp((last_second * 1000000)::BIGINT) AS last_seen
FROM scores
WHERE score >= min_score
ORDER BY 6 DESC NULLS LAST, scores.contacts DESC, srcaddr, dstaddr, dstport, protocol
LIMIT top;
