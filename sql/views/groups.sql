-- summary: The groups of ranges of addresses that have a name.
-- columns: name, cidr, source
-- source: flowdb.toml
CREATE OR REPLACE VIEW groups AS
SELECT
    known.name,
    known.cidr,
    known.source
FROM flowdb_groups AS known;
