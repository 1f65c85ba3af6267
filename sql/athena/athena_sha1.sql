-- summary: Trino's sha1, which gives bytes.
-- param: bytes BLOB -- bytes
CREATE OR REPLACE MACRO athena_sha1(bytes) AS
    unhex(sha1(bytes));
