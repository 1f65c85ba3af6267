-- summary: Trino's is_subnet_of: whether an address or a range lies in a range.
-- param: cidr TEXT -- a range such as 10.0.0.0/8
-- param: inner_one TEXT -- an address or a range
CREATE OR REPLACE MACRO athena_is_subnet_of(cidr, inner_one) AS
    cidr_end(inner_one::VARCHAR, '0') >= cidr_end(cidr::VARCHAR, '0')
    AND cidr_end(inner_one::VARCHAR, 'f') <= cidr_end(cidr::VARCHAR, 'f');
