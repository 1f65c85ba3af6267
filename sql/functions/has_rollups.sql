-- summary: Whether the hourly sums may be read; SET VARIABLE flowdb_rollups = false has all answers come from the records.
CREATE OR REPLACE MACRO has_rollups() AS coalesce(getvariable('flowdb_rollups')::BOOLEAN, true);
