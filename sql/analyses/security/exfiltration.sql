-- summary: Days on which a host of one's own sent far more to public addresses than on its own days before.
-- param: days INTEGER 1..36500 = 14 -- how many days before each day it is compared with
-- param: factor NUMBER = 3 -- how many times the average of these days is far more
-- param: min_bytes INTEGER = 104857600 -- how many bytes a day are worth telling
-- param: min_days INTEGER = 3 -- on how many of the days before the host has to have been seen
-- param: since TIMESTAMP = NULL -- first day to judge, from its midnight on
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr, bytes
-- columns: day, srcaddr, bytes, average_bytes, times_average, days_before, destinations, top_dstaddr, top_bytes, top_share
-- tags: security, detection, baseline
-- trap: both ends -- of a host and a day only the interface that logged most counts, so that another one on the way adds nothing
-- trap: nat -- a NAT gateway is a host too, that sends what all behind it send; interface_id of its interface, or leaving out its address, tells them apart
-- trap: primary address -- a host is the primary address of its interface
-- trap: windows -- summed by day
-- trap: replies -- what was refused was not sent, and does not count; the answers of a server do, as they take data out as well
-- trap: no data -- left out
-- counts: days are those of UTC; the average is over the days before on which the host sent anything to anybody, days_before, and one without traffic to public addresses is 0 in it; times_average is NULL where the average is 0
-- counts: without since every day is judged against the days before it
-- counts: a host is a private address, or an IPv6 address that is an interface's own (see who_is); all others are public
-- counts: top_dstaddr is the public address that got most, top_bytes what it got
-- source: MITRE ATT&CK T1048
CREATE OR REPLACE MACRO exfiltration(
    days := 14, factor := 3, min_bytes := 104857600, min_days := 3,
    since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH sent AS (
    SELECT
        flows.date AS day,
        flows.interface_id,
        srcaddr,
        dstaddr,
        total(bytes) AS bytes
    FROM traffic(
        'exfiltration',
        ['srcaddr', 'dstaddr', 'bytes'],
        date_trunc('day', utc(since)) - to_days(days::INTEGER),
        until,
        interface_id
    ) AS flows
    WHERE coalesce(upper(action) <> 'REJECT', true)
        AND check_number('days', days, 1)
        AND check_number('factor', factor, 0)
    GROUP BY 1, 2, 3, 4
),

-- IPv6 addresses of one's own are public ones.
own AS MATERIALIZED (
    SELECT DISTINCT addr
    FROM interface_addresses(
        'exfiltration', ['srcaddr', 'dstaddr', 'bytes'], date_trunc('day', utc(since)) - to_days(days::INTEGER), until,
        wanted := EXISTS (FROM sent WHERE contains(srcaddr, ':') AND NOT is_private(srcaddr))
    )
    WHERE contains(addr, ':')
),

public AS (
    SELECT
        day,
        sent.interface_id,
        srcaddr,
        CASE WHEN is_outside THEN dstaddr END AS peer,
        CASE WHEN is_outside THEN bytes END AS bytes
    FROM (
        SELECT
            *,
            NOT is_private(dstaddr) AND dstaddr NOT IN (SELECT addr FROM own) AS is_outside
        FROM sent
    ) AS sent
    WHERE is_private(srcaddr) OR srcaddr IN (SELECT addr FROM own)
),

seen AS (
    SELECT
        day,
        public.interface_id,
        srcaddr,
        coalesce(total(bytes), 0) AS bytes,
        count(peer) AS destinations,
        max(bytes) AS top_bytes,
        arg_max(peer, (bytes, peer)) AS top_dstaddr
    FROM public
    GROUP BY 1, 2, 3
),

hosts AS (
    SELECT
        day,
        srcaddr,
        max(seen.bytes) AS bytes,
        arg_max(
            struct_pack(destinations := destinations, top_bytes := top_bytes, top_dstaddr := top_dstaddr),
            (seen.bytes, destinations, seen.interface_id)
        ) AS most
    FROM seen
    GROUP BY 1, 2
),

judged AS (
    SELECT
        host.day,
        host.srcaddr,
        host.bytes,
        any_value(host.most) AS most,
        avg(before.bytes) AS average,
        count(before.day) AS days_before
    FROM hosts AS host
    LEFT JOIN hosts AS before
        ON host.srcaddr = before.srcaddr
        AND before.day < host.day
        AND before.day >= host.day - to_days(days::INTEGER)
    WHERE host.bytes >= min_bytes
        AND (since IS NULL OR host.day >= utc(since)::DATE)
    GROUP BY 1, 2, 3
)

SELECT
    day,
    srcaddr,
    bytes,
    round(average)::BIGINT AS average_bytes,
    round(bytes / nullif(average, 0), 6) AS times_average,
    days_before,
    most.destinations AS destinations,
    most.top_dstaddr AS top_dstaddr,
    most.top_bytes AS top_bytes,
    round(most.top_bytes / nullif(bytes, 0), 6) AS top_share
FROM judged
WHERE days_before >= min_days
    AND coalesce(bytes >= factor * average, true)
ORDER BY bytes DESC, day, srcaddr
LIMIT top;
