-- summary: Whether either end of a flow lies in a range; true where no range is asked for.
-- param: addr TEXT -- an address or a range such as 10.0.0.0/8; NULL for any
-- param: srcaddr TEXT -- the flow's source
-- param: dstaddr TEXT -- the flow's destination
CREATE OR REPLACE MACRO touches(addr, srcaddr, dstaddr) AS
    addr IS NULL OR in_cidr(srcaddr, addr) OR in_cidr(dstaddr, addr);
