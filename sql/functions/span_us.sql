-- summary: The length of an interval in microseconds; a month has 30 days.
-- param: span INTERVAL -- an interval
CREATE OR REPLACE MACRO span_us(span) AS round(epoch(span::INTERVAL) * 1000000)::BIGINT;
