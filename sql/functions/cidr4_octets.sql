-- summary: The four octets of an IPv4 range, as texts.
-- param: cidr TEXT -- such as 10.0.0.0/8, 192.0.2.7
CREATE OR REPLACE MACRO cidr4_octets(cidr) AS string_split(string_split(cidr, '/')[1], '.');
