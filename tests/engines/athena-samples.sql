-- The samples of the Amazon Athena user guide ("Querying Amazon VPC flow logs") for the tables of
-- athena-guide.sql, written anew for days that the real logs have, and beside each a query of DuckDB's
-- SQL over `flows`, written by hand. A LIMIT of the guide's without an order has one, so that whole results
-- can be compared. {FIELDS} are the columns of the text table, {SHORT} those without the region.

-- sample: 100 rows of a day
SELECT *
FROM vpc_flow_logs
WHERE date = DATE('2021-09-02')
ORDER BY start, srcport, dstport LIMIT 100;
-- by hand
SELECT {FIELDS}, date
FROM flows
WHERE date = '2021-09-02'
ORDER BY start_time, srcport, dstport LIMIT 100;

-- sample: rejected TCP connections
SELECT day_of_week(date) AS day, date, interface_id, srcaddr, action, protocol
FROM vpc_flow_logs
WHERE action = 'REJECT' AND protocol = 6
ORDER BY 2, 3, 4 LIMIT 100;
-- by hand
SELECT isodow(date), date, interface_id, srcaddr, action, protocol
FROM flows
WHERE action = 'REJECT' AND protocol = 6
ORDER BY 2, 3, 4 LIMIT 100;

-- sample: which server has the most HTTPS packets
SELECT SUM(packets) AS packetcount, dstaddr
FROM vpc_flow_logs
WHERE dstport = 443 AND date > current_date - interval '7300' day
GROUP BY dstaddr
ORDER BY packetcount DESC, 2 LIMIT 10;
-- by hand
SELECT sum(packets)::BIGINT, dstaddr
FROM flows
WHERE dstport = 443 AND date > current_date - 7300
GROUP BY 2
ORDER BY 1 DESC, 2 LIMIT 10;

-- sample: Parquet in Hive's folders
SELECT *
FROM vpc_flow_logs_parquet
WHERE year = '2021' AND month = '09' AND day = '02'
ORDER BY start, srcport, dstport LIMIT 10;
-- by hand
SELECT {FIELDS}, account_id, 'vpcflowlogs', 'us-east-1', '2021', '09', '02', strftime(start_time,
  '%H')
FROM flows
WHERE date = '2021-09-02'
ORDER BY start_time, srcport, dstport LIMIT 10;

-- sample: the first rows of a period, projected
SELECT *
FROM logs.projected
WHERE day >= '2021/09/01' AND day < '2023/03/22'
AND region = 'us-east-1'
ORDER BY start, srcport, dstport LIMIT 100;
-- by hand
SELECT {SHORT}, 'us-east-1', strftime(date, '%Y/%m/%d')
FROM flows JOIN sources USING (source_id)
WHERE date >= '2021-09-01' AND date < '2023-03-22' AND uri LIKE '%/us-east-1/%'
ORDER BY start_time, srcport, dstport LIMIT 100;

-- sample: top HTTPS receivers of a period, projected
SELECT SUM(packets) AS packetcount, dstaddr
FROM logs.projected
WHERE dstport = 443
AND day >= '2021/09/01' AND day < '2023/03/22'
GROUP BY dstaddr
ORDER BY packetcount DESC, 2 LIMIT 10;
-- by hand
SELECT sum(packets)::BIGINT, dstaddr
FROM flows
WHERE dstport = 443
AND date >= '2021-09-01' AND date < '2023-03-22'
GROUP BY 2
ORDER BY 1 DESC, 2 LIMIT 10;

-- sample: times in ISO 8601, projected
SELECT interface_id, srcaddr, dstaddr, to_iso8601(from_unixtime(start)) AS start_time,
  to_iso8601(from_unixtime("end")) AS end_time
FROM logs.projected
WHERE day >= '2021/09/01' AND day < '2023/03/22'
ORDER BY 4, 5, 2, 3, 1;
-- by hand
SELECT interface_id, srcaddr, dstaddr, strftime(start_time, '%Y-%m-%dT%H:%M:%S.000Z'),
  strftime(end_time, '%Y-%m-%dT%H:%M:%S.000Z')
FROM flows
WHERE date >= '2021-09-01' AND date < '2023-03-22'
ORDER BY 4, 5, 2, 3, 1;

-- sample: one source in a period, projected
SELECT *
FROM logs.projected
WHERE srcaddr = '10.255.2.231'
AND day >= '2021/09/01' AND day < '2023/03/22'
ORDER BY start, srcport, dstport;
-- by hand
SELECT {SHORT}, region, strftime(date, '%Y/%m/%d')
FROM flows
WHERE srcaddr = '10.255.2.231'
AND date >= '2021-09-01' AND date < '2023-03-22'
ORDER BY start_time, srcport, dstport;

-- sample: rejected TCP connections of a period, projected
SELECT day_of_week(from_iso8601_timestamp(to_iso8601(from_unixtime(start)))) AS weekday, day,
  interface_id, srcaddr, action, protocol
FROM logs.projected
WHERE action = 'REJECT' AND protocol = 6
AND day >= '2021/09/01' AND day < '2023/03/22'
ORDER BY 2, 3, 4 LIMIT 100;
-- by hand
SELECT isodow(start_time), strftime(date, '%Y/%m/%d'), interface_id, srcaddr, action, protocol
FROM flows
WHERE action = 'REJECT' AND protocol = 6
AND date >= '2021-09-01' AND date < '2023-03-22'
ORDER BY 2, 3, 4 LIMIT 100;

-- sample: sources of a network, by their parts
SELECT srcaddr, dstport, bytes
FROM logs.projected
WHERE split_part(srcaddr, '.', 1) = '10' AND split_part(srcaddr, '.', 2) = '255'
AND day >= '2021/09/01' AND day < '2023/03/22'
ORDER BY 1, 2, 3;
-- by hand
SELECT srcaddr, dstport, bytes
FROM flows
WHERE srcaddr LIKE '10.255.%'
AND date >= '2021-09-01' AND date < '2023-03-22'
ORDER BY 1, 2, 3;

-- sample: one destination in a period, projected
SELECT *
FROM logs.projected
WHERE dstaddr = '10.255.0.62'
AND day >= '2021/09/01' AND day < '2023/03/22'
ORDER BY start, srcport, dstport;
-- by hand
SELECT {SHORT}, region, strftime(date, '%Y/%m/%d')
FROM flows
WHERE dstaddr = '10.255.0.62'
AND date >= '2021-09-01' AND date < '2023-03-22'
ORDER BY start_time, srcport, dstport;
