-- summary: Traffic outside of working hours: at night and at weekends.
-- param: by KEYS = 'pair' {pair, srcaddr, dstaddr, dstport, protocol, interface_id} -- what to add up by; two keys are two columns, in the order that flows has them
-- param: from_hour INTEGER 0..23 = 8 -- the hour at which work begins
-- param: to_hour INTEGER 0..24 = 18 -- the hour at which it ends; before from_hour, it ends on the next day
-- param: weekdays INTEGER[] 1..7 = [1, 2, 3, 4, 5] -- the days of work, 1 for Monday to 7 for Sunday
-- param: utc_offset OFFSET = '+00:00' -- hours and minutes from UTC to the clock of work
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: start, srcaddr, dstaddr
-- columns: the key, flows, accepted, rejected, packets, bytes, outside_share, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: windows -- a record counts at its start
-- trap: replies -- an answer is traffic of its own, in the other direction
-- trap: no data -- left out
-- counts: flows, packets and bytes are those outside of hours; outside_share is their part of all bytes of the key; a day of work is that of the clock when a record starts, after midnight the new one
-- counts: utc_offset holds for the whole window, so that where the clock changes in summer a window of each half of the year needs its own
-- answers: Tailpipe: Traffic Outside Standard Business Hours | from_hour := 6, to_hour := 20, weekdays := [1, 2, 3, 4, 5, 6, 7]
-- source: Tailpipe, baseline examples
CREATE OR REPLACE MACRO outside_hours(
    "by" := 'pair', from_hour := 8, to_hour := 18, weekdays := [1, 2, 3, 4, 5], utc_offset := '+00:00',
    since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH clocks AS (
    SELECT
        flows.interface_id,
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        action,
        packets,
        bytes,
        start_time,
        start_time + CASE
            WHEN regexp_full_match(utc_offset, '[+-]?(0?[0-9]|1[0-4]):[0-5][0-9]') THEN replace(utc_offset, '+', '')::INTERVAL
            ELSE error(
                'utc_offset is ' || coalesce('''' || utc_offset || '''', 'NULL')
                || '; expected hours and minutes such as +02:00 or -05:30'
            )::INTERVAL
        END AS clock
    FROM traffic('outside_hours', ['start', 'srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE start_time IS NOT NULL
        AND check_keys('by', "by", ['pair', 'srcaddr', 'dstaddr', 'dstport', 'protocol', 'interface_id'])
        AND needs('outside_hours', key_fields("by", known_keys()), since, until)
        AND check_number('from_hour', from_hour, 0, highest := 23)
        AND check_number('to_hour', to_hour, 0, highest := 24)
),

records AS (
    SELECT
        * EXCLUDE (clock),
        NOT (
            list_contains(weekdays, isodow(clock))
            AND CASE
                WHEN from_hour <= to_hour THEN hour(clock) >= from_hour AND hour(clock) < to_hour
                ELSE hour(clock) >= from_hour OR hour(clock) < to_hour
            END
        ) AS is_outside
    FROM clocks
),

sums AS (
    SELECT
        COLUMNS(lambda c: is_key(c, "by", ['srcaddr', 'dstaddr', 'dstport', 'protocol', 'interface_id'])),
        count(*) FILTER (WHERE is_outside) AS flows,
        count(*) FILTER (WHERE is_outside AND upper(action) = 'ACCEPT') AS accepted,
        count(*) FILTER (WHERE is_outside AND upper(action) = 'REJECT') AS rejected,
        total(CASE WHEN is_outside THEN packets END) AS packets,
        total(CASE WHEN is_outside THEN bytes END) AS bytes,
        total(bytes) AS all_bytes,
        min(CASE WHEN is_outside THEN start_time END) AS first_seen,
        max(CASE WHEN is_outside THEN start_time END) AS last_seen
    FROM records
    GROUP BY ALL
)

SELECT
    sums.* EXCLUDE (all_bytes, first_seen, last_seen),
    round(bytes / nullif(all_bytes, 0), 6) AS outside_share,
    first_seen,
    last_seen
FROM sums
WHERE sums.flows > 0
ORDER BY
    bytes DESC NULLS LAST,
    sums.flows DESC,
    row(*COLUMNS(sums.* EXCLUDE (flows, accepted, rejected, packets, bytes, all_bytes, first_seen, last_seen)))
LIMIT top;
