-- summary: The records of traffic, without NODATA and SKIPDATA, in a window of time and at an interface; what every analysis begins with.
-- param: analysis TEXT -- who asks, for the error
-- param: fields TEXT[] -- the fields that it needs, as AWS names them; none of the logs having one is an error
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only what this interface saw
CREATE OR REPLACE MACRO traffic(analysis, fields, since := NULL, until := NULL, interface_id := NULL) AS TABLE
SELECT *
FROM flows
WHERE is_traffic(flows.log_status, flows.bytes, flows.srcaddr)
    AND in_window(flows.date, flows.start_time, since, until)
    AND (interface_id IS NULL OR flows.interface_id = interface_id)
    AND needs(analysis, list_concat(fields, field_if(interface_id, 'interface-id')), since, until);
