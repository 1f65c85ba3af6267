-- summary: A share of a counter, rounded, halves upwards, without the error of floating point.
-- param: counter BIGINT -- packets or bytes
-- param: passed BIGINT -- the time that passed
-- param: span BIGINT -- the whole time, more than 0
CREATE OR REPLACE MACRO part_of(counter, passed, span) AS
    (counter::HUGEINT * passed * 2 + span) // (span::HUGEINT * 2);
