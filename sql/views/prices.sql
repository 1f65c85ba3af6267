-- summary: What AWS asks for moving data, as it was written down on a day (as_of), first tier; a temporary view or table of this name in the same session replaces it: CREATE OR REPLACE TEMP VIEW prices AS ...
-- columns: item, region, unit, dollars, as_of, source
-- source: Amazon VPC and Amazon EC2 pricing pages; of several rows of an item and region the latest counts
CREATE OR REPLACE VIEW prices AS
SELECT
    item,
    region,
    CASE item WHEN 'between-zones' THEN 'GB, at each of its two ends' ELSE 'GB' END AS unit,
    dollars::DOUBLE AS dollars,
    as_of::DATE AS as_of,
    source
FROM (
    VALUES
        ('nat-gateway', 'us-east-1', 0.045, '2026-09-20', 'Amazon VPC pricing'),
        ('nat-gateway', 'us-east-2', 0.045, '2026-09-20', 'Amazon VPC pricing'),
        ('nat-gateway', 'us-west-1', 0.048, '2026-11-21', 'as others publish it; check it on the page Amazon VPC pricing'),
        ('nat-gateway', 'us-west-2', 0.045, '2026-11-21', 'as others publish it; check it on the page Amazon VPC pricing'),
        ('nat-gateway', 'eu-west-1', 0.048, '2026-11-21', 'as others publish it; check it on the page Amazon VPC pricing'),
        ('nat-gateway', 'eu-central-1', 0.052, '2026-11-21', 'as others publish it; check it on the page Amazon VPC pricing'),
        ('nat-gateway', 'ap-southeast-1', 0.059, '2026-11-21', 'as others publish it; check it on the page Amazon VPC pricing'),
        ('between-zones', 'us-east-1', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'us-east-2', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'us-west-1', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'us-west-2', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'eu-west-1', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'eu-central-1', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('between-zones', 'ap-southeast-1', 0.01, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'us-east-1', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'us-east-2', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'us-west-1', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'us-west-2', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'eu-west-1', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'eu-central-1', 0.09, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing'),
        ('internet', 'ap-southeast-1', 0.12, '2026-11-21', 'as others publish it; check it on the page Amazon EC2 pricing')
) AS listed (item, region, dollars, as_of, source);
