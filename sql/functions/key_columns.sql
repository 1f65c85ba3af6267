-- summary: The columns that keys stand for: 'pair' is srcaddr and dstaddr, 'pkt_pair' the same of the packets, others are columns themselves.
-- param: given TEXT -- one or two keys with a comma between
CREATE OR REPLACE MACRO key_columns(given) AS
    string_split(
        replace(replace(replace(given, ' ', ''), 'pkt_pair', 'pkt_srcaddr,pkt_dstaddr'), 'pair', 'srcaddr,dstaddr'), ','
    );
