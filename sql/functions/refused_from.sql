-- summary: The first of the newest dates that have so many refused records, as the hourly sums know; the first of all dates where they know of fewer.
-- param: wanted BIGINT -- how many; NULL for all
-- param: since TIMESTAMP -- first moment, included; NULL for no bound
-- param: until TIMESTAMP -- last moment, excluded; NULL for no bound
-- param: interface_id TEXT -- only what this interface saw; NULL for any
CREATE OR REPLACE MACRO refused_from(wanted, since, until, interface_id) AS (
    SELECT coalesce(max(dates.day), DATE '0001-01-01')
    FROM (
        SELECT
            hours.date AS day,
            sum(sum(hours.flows)) OVER (ORDER BY hours.date DESC) AS refused
        FROM flowdb_hourly AS hours
        WHERE is_refused(hours.action)
            AND in_window(hours.date, hours.hour, since, until)
            AND (until IS NULL OR hours.hour IS NULL OR hours.hour < date_trunc('hour', utc(until)))
            AND (interface_id IS NULL OR hours.interface_id = interface_id)
        GROUP BY hours.date
    ) AS dates
    WHERE dates.refused >= wanted
);
