-- summary: The sum of a counter as BIGINT; one that a damaged log makes too large for it stops at the largest.
-- param: counter BIGINT -- packets or bytes
CREATE OR REPLACE MACRO total(counter) AS
    CASE WHEN sum(counter) > 9223372036854775807 THEN 9223372036854775807 ELSE sum(counter)::BIGINT END;
