-- summary: Trino's md5, which gives bytes.
-- param: bytes BLOB -- bytes
CREATE OR REPLACE MACRO athena_md5(bytes) AS
    unhex(md5(bytes));
