-- summary: A hexadecimal digit with its lowest bits all 0 or all 1.
-- param: digit TEXT -- the digit, 0 to f
-- param: bits INTEGER -- how many bits
-- param: are_set BOOLEAN -- whether they are 1
CREATE OR REPLACE MACRO cut_digit(digit, bits, are_set) AS
    substr('0123456789abcdef', cut_bits(instr('0123456789abcdef', digit)::INTEGER - 1, bits, are_set) + 1, 1);
