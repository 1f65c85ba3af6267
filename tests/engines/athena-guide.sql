-- Three tables as the Amazon Athena user guide has them ("Querying Amazon VPC flow logs"): of text, of
-- Parquet in Hive folders, and with partition projection. Written anew, after the guide's columns.
CREATE EXTERNAL TABLE IF NOT EXISTS `vpc_flow_logs` (
  version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int,
  dstport int, protocol bigint, packets bigint, bytes bigint, start bigint, `end` bigint, action string,
  log_status string, vpc_id string, subnet_id string, instance_id string, tcp_flags int, type string,
  pkt_srcaddr string, pkt_dstaddr string, region string, az_id string, sublocation_type string,
  sublocation_id string, pkt_src_aws_service string, pkt_dst_aws_service string, flow_direction string,
  traffic_path int
)
PARTITIONED BY (`date` date)
ROW FORMAT DELIMITED
FIELDS TERMINATED BY ' '
LOCATION 's3://bucket/prefix/AWSLogs/123456789012/vpcflowlogs/us-east-1/'
TBLPROPERTIES ("skip.header.line.count"="1");

/* 每天一个分区 */
ALTER TABLE vpc_flow_logs ADD PARTITION (`date`='2024-01-15')
LOCATION 's3://bucket/prefix/AWSLogs/123456789012/vpcflowlogs/us-east-1/2024/01/15';

CREATE EXTERNAL TABLE IF NOT EXISTS vpc_flow_logs_parquet (
  version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int,
  dstport int, protocol bigint, packets bigint, bytes bigint, start bigint, `end` bigint, action string,
  log_status string, vpc_id string, subnet_id string, instance_id string, tcp_flags int, type string,
  pkt_srcaddr string, pkt_dstaddr string, region string, az_id string, sublocation_type string,
  sublocation_id string, pkt_src_aws_service string, pkt_dst_aws_service string, flow_direction string,
  traffic_path int
)
PARTITIONED BY (
  `aws-account-id` string, `aws-service` string, `aws-region` string, `year` string, `month` string,
  `day` string, `hour` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS
  INPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'
LOCATION 's3://bucket/prefix/AWSLogs/'
TBLPROPERTIES ('EXTERNAL'='true', 'skip.header.line.count'='1');

MSCK REPAIR TABLE vpc_flow_logs_parquet;

CREATE EXTERNAL TABLE IF NOT EXISTS logs.projected (
  version int, account_id string, interface_id string, srcaddr string, dstaddr string, srcport int,
  dstport int, protocol bigint, packets bigint, bytes bigint, start bigint, `end` bigint, action string,
  log_status string, vpc_id string, subnet_id string, instance_id string, tcp_flags int, type string,
  pkt_srcaddr string, pkt_dstaddr string, az_id string, sublocation_type string, sublocation_id string,
  pkt_src_aws_service string, pkt_dst_aws_service string, flow_direction string, traffic_path int
)
PARTITIONED BY (region string, day string)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ' '
LOCATION 's3://bucket/prefix/AWSLogs/123456789012/vpcflowlogs/'
TBLPROPERTIES (
  "skip.header.line.count"="1",
  "projection.enabled"="true",
  "projection.region.type"="enum",
  "projection.region.values"="us-east-1,us-west-2,ap-southeast-2",
  "projection.day.type"="date",
  "projection.day.range"="2021/01/01,NOW",
  "projection.day.format"="yyyy/MM/dd",
  "storage.location.template"="s3://bucket/prefix/AWSLogs/123456789012/vpcflowlogs/${region}/${day}"
);
