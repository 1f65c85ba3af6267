-- summary: The fields, as AWS names them, that a metric is made of; none for flows, which are counted.
-- param: metric TEXT -- bytes, packets or flows
CREATE OR REPLACE MACRO metric_fields(metric) AS
    CASE metric WHEN 'bytes' THEN ['bytes'] WHEN 'packets' THEN ['packets'] ELSE []::VARCHAR[] END;
