-- summary: Bytes as the gigabytes of 2^30 that AWS bills: its price examples have 1,024 GB in a TB, and with 10^9 a bill would seem 7 % larger.
-- param: bytes BIGINT -- bytes; NULL gives NULL
-- source: AWS, worked examples of its price pages
CREATE OR REPLACE MACRO gigabytes(bytes) AS bytes / 1073741824;
