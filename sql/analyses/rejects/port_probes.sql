-- summary: Sources that were refused often at ports that attackers try, such as those of SSH, RDP and databases.
-- param: ports INTEGER[] 0..65535 = [22, 3389, 3306, 5432] -- destination ports; NULL for every port
-- param: threshold INTEGER = 100 -- the least number of refused attempts; NULL for 1
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: action, srcaddr, dstport
-- columns: srcaddr, attempts, ports, targets, packets, bytes, first_seen, last_seen
-- tags: security, detection, reject
-- trap: both ends -- an attempt that two interfaces refuse counts at both, unless interface_id names one
-- trap: replies -- an answer of a server (SYN and ACK) that was refused is no attempt, where tcp_flags tell; other refused answers count if they go to one of the ports
-- trap: windows -- attempts are records, of which a long one is several
-- trap: no data -- left out
-- counts: attempts are refused records to one of the ports, of all ports and targets together; ports is the list of those that were tried; targets are distinct addresses
-- answers: CloudWatch: alarm on ten or more refused attempts at port 22 | ports := [22], threshold := 10
-- source: Amazon VPC user guide, an alarm on refused SSH attempts
CREATE OR REPLACE MACRO port_probes(
    ports := [22, 3389, 3306, 5432], threshold := 100, since := NULL, until := NULL, interface_id := NULL, top := 100
) AS TABLE
SELECT
    srcaddr,
    count(*) AS attempts,
    list_sort(list(DISTINCT dstport)) AS ports,
    count(DISTINCT dstaddr) AS targets,
    total(packets) AS packets,
    total(bytes) AS bytes,
    min(start_time) AS first_seen,
    max(start_time) AS last_seen
FROM traffic('port_probes', ['action', 'srcaddr', 'dstport'], since, until, interface_id)
WHERE upper(action) = 'REJECT'
    AND srcaddr IS NOT NULL
    AND CASE WHEN ports IS NULL THEN dstport IS NOT NULL ELSE list_contains(ports, dstport) END
    AND coalesce(tcp_flags & 18 <> 18, true)
    AND check_number('threshold', threshold, 0)
GROUP BY srcaddr
HAVING coalesce(count(*) >= threshold, true)
ORDER BY attempts DESC, srcaddr
LIMIT top;
