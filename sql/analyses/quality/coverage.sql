-- summary: What every interface logged in every hour: traffic, no traffic, skipped records, or no logs at all.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: account_id TEXT = NULL -- only this account
-- param: top INTEGER = NULL -- how many rows; NULL for every row
-- columns: account_id, interface_id, hour, hours, state, records, nodata, skipdata, sources, late_sources, bad_lines
-- tags: quality
-- trap: both ends -- each interface has rows of its own
-- trap: windows -- records that reach into several hours make all of them hours with logs
-- trap: no data -- counted as such
-- counts: a row is one hour of an interface; 'no logs' is one row for all the hours (their number is hours) that lie without a record between two with records, so nothing is missing before the first and after the last hour that an interface has in the window
-- counts: the state is 'traffic' if a record with traffic reaches into the hour, else 'skipped' if SKIPDATA does, else 'no traffic', which is NODATA alone
-- counts: a record reaches from its start to its end, and one that ends on the full hour is over by then
-- counts: it is counted once, as one of records, nodata or skipdata, in the hour of its start, or of its end if it has no start or they lie more than a day apart, so these add up to the records in flows, and all are 0 in an hour that records only reach into
-- counts: a record without a status is NODATA if it has neither bytes nor a source
-- counts: sources are those whose records reach into the hour, late_sources those of them that were delivered, as their name, else their folder, else their last change tells, more than an hour after it was over
-- counts: bad_lines are the lines of these sources in quarantine, which may be of any of their hours and interfaces, stand at each, and so do not add up
-- counts: sources of nothing but bad lines are 'unread', without account and interface, at the hour of their delivery, unless one interface or account is asked for
-- counts: what was removed from the store is as if it never was logged, and transit gateways are left out
-- counts: FROM coverage without parentheses is a view, the same over the whole store
CREATE OR REPLACE MACRO coverage(
    since := NULL, until := NULL, interface_id := NULL, account_id := NULL, top := NULL
) AS TABLE
WITH logged AS (
    SELECT
        flows.account_id,
        flows.interface_id,
        flows.source_id,
        record_moment(start_time, end_time, date) AS moment,
        end_time,
        is_traffic(log_status, bytes, srcaddr) AS has_traffic,
        coalesce(upper(log_status) = 'SKIPDATA', false) AS is_skipped
    FROM flows
    WHERE in_window(date, record_moment(start_time, end_time, date), since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND needs('coverage', list_concat(field_if(interface_id, 'interface-id'), field_if(account_id, 'account-id')), since, until)
        AND (account_id IS NULL OR flows.account_id = account_id)
),

-- Few rows come of many records here, before anything is joined.
spans AS (
    SELECT
        logged.account_id,
        logged.interface_id,
        logged.source_id,
        date_trunc('hour', moment) AS first_hour,
        date_trunc('hour', greatest(moment, end_time - INTERVAL 1 MICROSECOND)) AS last_hour,
        count(*) FILTER (WHERE has_traffic) AS traffic,
        count(*) FILTER (WHERE is_skipped) AS skipped,
        count(*) FILTER (WHERE NOT has_traffic AND NOT is_skipped) AS idle
    FROM logged
    GROUP BY ALL
),

reached AS (
    SELECT
        *,
        unnest(generate_series(first_hour, last_hour, INTERVAL 1 HOUR)) AS hour
    FROM spans
),

shares AS (
    SELECT
        reached.account_id,
        reached.interface_id,
        reached.source_id,
        hour,
        max(traffic) > 0 AS has_traffic,
        max(skipped) > 0 AS has_skipped,
        total(CASE WHEN hour = first_hour THEN traffic ELSE 0 END) AS records,
        total(CASE WHEN hour = first_hour THEN idle ELSE 0 END) AS nodata,
        total(CASE WHEN hour = first_hour THEN skipped ELSE 0 END) AS skipdata
    FROM reached
    WHERE until IS NULL OR hour < utc(until)
    GROUP BY ALL
),

seen AS (
    SELECT
        shares.account_id,
        shares.interface_id,
        hour,
        CASE
            WHEN bool_or(has_traffic) THEN 'traffic'
            WHEN bool_or(has_skipped) THEN 'skipped'
            ELSE 'no traffic'
        END AS state,
        total(shares.records) AS records,
        total(nodata) AS nodata,
        total(skipdata) AS skipdata,
        count(*) AS sources,
        count(*) FILTER (WHERE delivered > hour + INTERVAL 2 HOUR) AS late_sources,
        coalesce(total(bad_lines), 0) AS bad_lines,
        lead(hour) OVER (PARTITION BY shares.account_id, shares.interface_id ORDER BY hour) AS next_hour
    FROM shares
    LEFT JOIN flowdb_sources AS source ON shares.source_id = source.source_id
    GROUP BY shares.account_id, shares.interface_id, hour
),

answer AS (
    SELECT
        seen.account_id,
        seen.interface_id,
        hour,
        1 AS hours,
        state,
        records,
        nodata,
        skipdata,
        sources,
        late_sources,
        bad_lines
    FROM seen
    UNION ALL
    SELECT
        seen.account_id,
        seen.interface_id,
        hour + INTERVAL 1 HOUR,
        date_diff('hour', hour, next_hour) - 1,
        'no logs',
        0,
        0,
        0,
        0,
        0,
        0
    FROM seen
    WHERE next_hour > hour + INTERVAL 1 HOUR
    UNION ALL
    SELECT
        NULL,
        NULL,
        date_trunc('hour', delivered),
        1,
        'unread',
        0,
        0,
        0,
        count(*),
        0,
        total(bad_lines)
    FROM flowdb_sources
    WHERE records = 0
        AND bad_lines > 0
        AND in_window(delivered::DATE, delivered, since, until)
        AND interface_id IS NULL
        AND account_id IS NULL
    GROUP BY date_trunc('hour', delivered)
)

SELECT *
FROM answer
ORDER BY answer.account_id, answer.interface_id, hour, state
LIMIT top;
