-- summary: Trino's ip_subnet_min: the first address of a range.
-- param: cidr TEXT -- a range such as 10.0.0.0/8
CREATE OR REPLACE MACRO athena_ip_subnet_min(cidr) AS
    athena_ip_text(cidr_end(cidr::VARCHAR, '0'));
