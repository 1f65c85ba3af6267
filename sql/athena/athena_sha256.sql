-- summary: Trino's sha256, which gives bytes.
-- param: bytes BLOB -- bytes
CREATE OR REPLACE MACRO athena_sha256(bytes) AS
    unhex(sha256(bytes));
