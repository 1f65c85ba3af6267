-- summary: Refused flows, newest first, with the day of the week.
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action
-- columns: start_time, end_time, day_of_week, interface_id, srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes
-- tags: security, troubleshooting, reject
-- trap: both ends -- both rows are shown, each with its interface
-- trap: replies -- a refused answer is a row of its own, in the other direction
-- trap: windows -- one row for each record
-- trap: no data -- left out
-- counts: one row for each record; a refused answer is a row of its own, in the other direction
-- answers: VPC console: VpcFlowLogsRejectedTraffic | top := NULL
-- answers: Athena guide: rejected TCP connections with the day of the week
-- answers: Athena guide: rejected TCP connections in a period | since := '2024-01-15', until := '2024-01-16'
-- answers: Tailpipe: Rejected Traffic
-- source: Athena user guide, rejected TCP connections; console query VpcFlowLogsRejectedTraffic
CREATE OR REPLACE MACRO rejects(since := NULL, until := NULL, interface_id := NULL, top := 100) AS TABLE
SELECT
    start_time,
    end_time,
    dayname(coalesce(start_time, end_time, date)) AS day_of_week,
    flows.interface_id,
    srcaddr,
    srcport,
    dstaddr,
    dstport,
    protocol,
    packets,
    bytes
FROM traffic('rejects', ['action'], since, until, interface_id) AS flows
WHERE is_refused(action)
    AND (NOT has_rollups() OR flows.date >= refused_from(top, since, until, interface_id))
ORDER BY coalesce(start_time, end_time, date) DESC, end_time DESC, flows.interface_id, srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes
LIMIT top;
