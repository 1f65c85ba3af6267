-- summary: A number with its lowest bits all 0 or all 1.
-- param: number INTEGER -- the number
-- param: bits INTEGER -- how many bits
-- param: are_set BOOLEAN -- whether they are 1
CREATE OR REPLACE MACRO cut_bits(number, bits, are_set) AS
    (number >> bits << bits) + CASE WHEN are_set THEN (1 << bits) - 1 ELSE 0 END;
