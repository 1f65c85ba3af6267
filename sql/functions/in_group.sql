-- summary: Whether an address lies in a group of flowdb.toml.
-- param: addr TEXT -- an address; NULL gives NULL
-- param: group TEXT -- the name of a group, written out; one that is not there is an error
CREATE OR REPLACE MACRO in_group(addr, "group") AS
    in_cidr(addr, group_ranges("group"));
