-- summary: Whether an address lies in a group of flowdb.toml.
-- param: addr TEXT -- an address; NULL gives NULL
-- param: name TEXT -- the name of a group, written out; one that is not there is an error
CREATE OR REPLACE MACRO in_group(addr, name) AS
    in_cidr(addr, group_ranges(name));
