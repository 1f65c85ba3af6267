-- summary: The names of the TCP flags that are set, in the order of their bits; empty where none is.
-- param: flags INTEGER -- a record's tcp_flags, flags of many packets joined by OR; NULL gives NULL
-- source: RFC 9293
CREATE OR REPLACE MACRO tcp_flag_names(flags) AS
    CASE
        WHEN flags IS NOT NULL THEN concat_ws(
            ' ',
            CASE WHEN flags & 1 > 0 THEN 'FIN' END,
            CASE WHEN flags & 2 > 0 THEN 'SYN' END,
            CASE WHEN flags & 4 > 0 THEN 'RST' END,
            CASE WHEN flags & 8 > 0 THEN 'PSH' END,
            CASE WHEN flags & 16 > 0 THEN 'ACK' END,
            CASE WHEN flags & 32 > 0 THEN 'URG' END,
            CASE WHEN flags & 64 > 0 THEN 'ECE' END,
            CASE WHEN flags & 128 > 0 THEN 'CWR' END
        )
    END;
