-- summary: Trino's ip_prefix: the range of an address with so many bits.
-- param: addr TEXT -- an address
-- param: bits INTEGER -- how many bits of it count
CREATE OR REPLACE MACRO athena_ip_prefix(addr, bits) AS
    athena_ip_text(cidr_end(addr::VARCHAR || '/' || bits, '0')) || '/' || bits;
