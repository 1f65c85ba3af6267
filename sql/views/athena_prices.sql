-- summary: What AWS asks for a query, as it was written down on a day (as_of), first tier; a temporary view of this name in the same session replaces it: CREATE OR REPLACE TEMP VIEW athena_prices AS ...
-- columns: item, region, unit, amount, as_of, source
-- source: Amazon Athena, Amazon CloudWatch and Amazon S3 pricing pages; of several rows of an item and region the latest counts
CREATE OR REPLACE VIEW athena_prices AS
SELECT
    listed.item,
    listed.region,
    CASE listed.item
        WHEN 'athena-scan' THEN 'dollars for a TB of 2^40 bytes, of MB rounded up'
        WHEN 'athena-least' THEN 'MB of 2^20 bytes, the least of a query'
        WHEN 'insights-scan' THEN 'dollars for a GB of 2^30 bytes'
        ELSE 'dollars for 1,000 requests'
    END AS unit,
    listed.amount::DOUBLE AS amount,
    listed.as_of::DATE AS as_of,
    listed.source
FROM (
    VALUES
        ('athena-scan', 'us-east-1', 5.00, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-scan', 'us-east-2', 5.00, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-scan', 'us-west-1', 6.75, '2026-11-21', 'as others publish it; check it on the page Amazon Athena pricing'),
        ('athena-scan', 'us-west-2', 5.00, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-scan', 'eu-west-1', 5.00, '2026-11-21', 'as others publish it; check it on the page Amazon Athena pricing'),
        ('athena-scan', 'eu-central-1', 5.00, '2026-11-21', 'as others publish it; check it on the page Amazon Athena pricing'),
        ('athena-scan', 'ap-southeast-1', 5.00, '2026-11-21', 'as others publish it; check it on the page Amazon Athena pricing'),
        ('athena-least', 'us-east-1', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'us-east-2', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'us-west-1', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'us-west-2', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'eu-west-1', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'eu-central-1', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('athena-least', 'ap-southeast-1', 10, '2026-11-21', 'Amazon Athena pricing'),
        ('insights-scan', 'us-east-1', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon CloudWatch pricing'),
        ('insights-scan', 'us-east-2', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon CloudWatch pricing'),
        ('insights-scan', 'us-west-2', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon CloudWatch pricing'),
        ('s3-get', 'us-east-1', 0.0004, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-get', 'us-east-2', 0.0004, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-get', 'us-west-2', 0.0004, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-get', 'eu-west-1', 0.0004, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-get', 'ap-southeast-1', 0.0004, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-list', 'us-east-1', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-list', 'us-east-2', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-list', 'us-west-2', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-list', 'eu-west-1', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing'),
        ('s3-list', 'ap-southeast-1', 0.005, '2026-11-21', 'as others publish it; check it on the page Amazon S3 pricing')
) AS listed (item, region, amount, as_of, source);
