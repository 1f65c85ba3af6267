-- summary: What a record's traffic_path says of the way out.
-- param: path INTEGER -- a record's traffic_path; NULL gives NULL, a number without a meaning 'path' and the number
-- source: Amazon VPC user guide, flow log records
CREATE OR REPLACE MACRO traffic_path_name(path) AS
    CASE path
        WHEN 1 THEN 'same VPC'
        WHEN 2 THEN 'internet gateway or gateway endpoint'
        WHEN 3 THEN 'virtual private gateway'
        WHEN 4 THEN 'peering, same region'
        WHEN 5 THEN 'peering, other region'
        WHEN 6 THEN 'local gateway'
        WHEN 7 THEN 'gateway endpoint'
        WHEN 8 THEN 'internet gateway'
        ELSE 'path ' || path
    END;
