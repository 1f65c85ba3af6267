-- summary: Trino's ip_subnet_range: the first and the last address of a range.
-- param: cidr TEXT -- a range such as 10.0.0.0/8
CREATE OR REPLACE MACRO athena_ip_subnet_range(cidr) AS
    [athena_ip_subnet_min(cidr), athena_ip_subnet_max(cidr)];
