-- summary: The names of addresses, interfaces, accounts and other resources, and when each holds.
-- columns: kind, id, name, first_seen, last_seen, source
-- source: flowdb.toml and the files that it names
CREATE OR REPLACE VIEW names AS
SELECT
    known.kind,
    known.id,
    known.name,
    known.first_seen,
    known.last_seen,
    known.source
FROM flowdb_names AS known;
