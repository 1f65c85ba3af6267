-- summary: The records of which an end is an address; where files are compacted, only row groups that can hold it are read.
-- param: addr TEXT -- the address as logs have it
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
CREATE OR REPLACE MACRO flows_of(addr, since := NULL, until := NULL) AS TABLE
-- Bloom filters tell of one column: asked for either of two, every row group would be read.
SELECT *
FROM flows
WHERE srcaddr = addr
    AND in_window(flows.date, flows.start_time, since, until)
UNION ALL
SELECT *
FROM flows
WHERE dstaddr = addr
    AND srcaddr IS DISTINCT FROM addr
    AND in_window(flows.date, flows.start_time, since, until);
