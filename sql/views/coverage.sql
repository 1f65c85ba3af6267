-- summary: What was logged in every hour at every interface, over the whole store; coverage(since, until) is the same for a window of time.
-- columns: account_id, interface_id, hour, hours, state, records, nodata, skipdata, late_sources, bad_lines
CREATE OR REPLACE VIEW coverage AS
SELECT *
FROM coverage();
