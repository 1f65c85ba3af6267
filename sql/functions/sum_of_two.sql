-- summary: The sum of two counters as BIGINT; one that a damaged log makes too large for it stops at the largest.
-- param: one BIGINT -- packets or bytes
-- param: other BIGINT -- packets or bytes
CREATE OR REPLACE MACRO sum_of_two(one, other) AS least(one::HUGEINT + other, 9223372036854775807)::BIGINT;
