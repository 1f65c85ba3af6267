-- summary: Flows, packets and bytes by hour, interface, addresses, the port of the service, protocol, action and direction, of traffic alone; of the two ports the lower one is there, of what was refused dstport.
CREATE OR REPLACE VIEW hourly AS
SELECT *
FROM flowdb_hourly
UNION ALL BY NAME
SELECT
    bare.date,
    date_trunc('hour', bare.start_time) AS hour,
    bare.account_id,
    bare.interface_id,
    bare.srcaddr,
    bare.dstaddr,
    CASE WHEN NOT keeps_target(bare.action, bare.srcport, bare.dstport) THEN bare.srcport END AS srcport,
    CASE WHEN keeps_target(bare.action, bare.srcport, bare.dstport) THEN bare.dstport END AS dstport,
    bare.protocol,
    bare.action,
    bare.flow_direction,
    count(*) AS flows,
    total(bare.packets) AS packets,
    total(bare.bytes) AS bytes,
    min(bare.start_time) AS first_start,
    max(bare.start_time) AS last_start
FROM flowdb_unsummed AS bare
WHERE is_traffic(bare.log_status, bare.bytes, bare.srcaddr)
GROUP BY ALL;
