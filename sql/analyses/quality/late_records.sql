-- summary: How late records came: the time from their end to their delivery.
-- param: by TEXT = 'hour' {hour, day, interface_id} -- the hour or the day in which records end, or the interface
-- param: threshold INTERVAL 0.. = '15 minutes' -- what came later than this is late
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only this interface
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: end
-- columns: the key, records, late, late_share, median_seconds, p95_seconds, max_seconds
-- tags: quality
-- trap: both ends -- both records count, each is its interface's
-- trap: windows -- each record counts
-- trap: no data -- records without traffic count like all others
-- counts: the delivery is that of the record's source in the view sources: the time in its name, else its folder's day, else its last change, so the lateness of a source that AWS named is 5 minutes short at the most, and below 0 if a folder's midnight is all there is
-- counts: a record without an end does not count; the median and the 95th percentile are the least number of seconds within which half of the records, or 95 %, had come
-- source: Amazon VPC user guide, flow log files
CREATE OR REPLACE MACRO late_records(
    "by" := 'hour', threshold := '15 minutes', since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
WITH ended AS (
    SELECT
        source_id,
        CASE "by" WHEN 'hour' THEN date_trunc('hour', end_time) WHEN 'day' THEN date_trunc('day', end_time) END AS span,
        CASE WHEN "by" = 'interface_id' THEN flows.interface_id END AS interface,
        end_time,
        count(*) AS records
    FROM flows
    WHERE in_window(date, start_time, since, until)
        AND (interface_id IS NULL OR flows.interface_id = interface_id)
        AND end_time IS NOT NULL
        AND one_of('by', "by", ['hour', 'day', 'interface_id'])
        AND needs('late_records', ['end'], since, until)
        AND needs(
            'late_records', list_concat(key_fields("by", ['interface_id']), field_if(interface_id, 'interface-id')), since, until
        )
    GROUP BY ALL
),

delays AS (
    SELECT
        span,
        interface,
        (epoch_ms(source.delivered) - epoch_ms(end_time)) // 1000 AS seconds,
        source.delivered > end_time + threshold::INTERVAL AS is_late,
        sum(ended.records) AS records
    FROM ended
    INNER JOIN flowdb_sources AS source ON ended.source_id = source.source_id
    GROUP BY ALL
),

ordered AS (
    SELECT
        *,
        sum(delays.records) OVER (
            PARTITION BY span, interface ORDER BY seconds RANGE UNBOUNDED PRECEDING
        ) AS so_far,
        sum(delays.records) OVER (PARTITION BY span, interface) AS every
    FROM delays
),

answer AS (
    SELECT
        span AS "hour",
        span::DATE AS "day",
        interface AS interface_id,
        total(ordered.records) AS records,
        total(CASE WHEN is_late THEN ordered.records ELSE 0 END) AS late,
        min(seconds) FILTER (WHERE so_far * 2 >= every) AS median_seconds,
        min(seconds) FILTER (WHERE so_far * 20 >= every * 19) AS p95_seconds,
        max(seconds) AS max_seconds
    FROM ordered
    GROUP BY span, interface
)

SELECT
    COLUMNS(lambda c: c = CASE WHEN "by" IN ('day', 'interface_id') THEN "by" ELSE 'hour' END),
    answer.records,
    late,
    round(late / answer.records, 6) AS late_share,
    median_seconds,
    p95_seconds,
    max_seconds
FROM answer
ORDER BY "hour", answer.interface_id
LIMIT top;
