-- summary: The ip_key of the first or the last address of a range.
-- param: cidr TEXT -- such as 10.0.0.0/8; bits beyond its length do not matter; NULL for what is no range
-- param: digit TEXT -- '0' for the first address, 'f' for the last
CREATE OR REPLACE MACRO cidr_end(cidr, digit) AS
    list_transform(
        [cidr_parts(cidr)],
        lambda net: rpad(
            left(net.digits, 1 + net.bits // 4)
            || CASE
                WHEN net.bits % 4 = 0 THEN ''
                -- The digit that the length cuts.
                ELSE cut_digit(substr(net.digits, 2 + net.bits // 4, 1), 4 - net.bits % 4, digit = 'f')
            END,
            length(net.digits)::INTEGER,
            digit
        )
    )[1];
