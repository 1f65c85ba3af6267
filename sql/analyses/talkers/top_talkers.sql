-- summary: Who sends, receives or carries most, with its share of all traffic.
-- param: by KEYS = 'srcaddr' {srcaddr, dstaddr, pair, conversation, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action, ip_family} -- what to add up by; two keys are two columns, in the order that flows has them
-- param: metric TEXT = 'bytes' {bytes, packets, flows} -- what to rank and share by
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only flows of which an end lies in it
-- param: port INTEGER 0..65535 = NULL -- only flows to this destination port
-- param: protocol INTEGER 0..255 = NULL -- only flows of this protocol: 6 TCP, 17 UDP, 1 ICMP
-- param: action TEXT = NULL {ACCEPT, REJECT} -- only flows with this action
-- param: dedup BOOLEAN = false -- whether what several interfaces logged of one connection counts once
-- param: others BOOLEAN = false -- whether the rest is a last row, whose key is NULL
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- columns: the key, flows, packets, bytes, share, cumulative_share, first_seen, last_seen, keys
-- tags: traffic
-- trap: both ends -- counted at both, unless interface_id names one or dedup is true: then of the sums of all interfaces for one direction of one connection, which the packets' addresses, ports and protocol make, the largest counts
-- trap: nat -- counted at each interface and under each address; conversations counts it once
-- trap: primary address -- srcaddr and dstaddr are as logged, pkt_srcaddr and pkt_dstaddr those of the packets
-- trap: windows -- summed
-- trap: no data -- left out
-- counts: pair is srcaddr and dstaddr, pkt_pair the same of the packets; conversation (protocol, server, server_port, client, client_port) has both directions as one, the server being the end with the lower port, and stands alone
-- counts: keys is how many keys a row stands for: 1, and in the row of the rest as many as it adds up; a key that belongs to an interface, such as subnet_id, keeps what its own interfaces logged
-- counts: share is that of the sum of all keys, also with dedup
-- answers: VPC console: VpcFlowLogsTopTalkers | top := 50
-- answers: VPC console: VpcFlowLogsTopTalkersPacketLevel | "by" := 'pkt_srcaddr', top := 50
-- answers: VPC console: VpcFlowLogsTopTalkingInstances | "by" := 'instance_id', top := 50
-- answers: VPC console: VpcFlowLogsTopTalkingSubnets | "by" := 'subnet_id', top := 50
-- answers: VPC console: VpcFlowLogsTotalBytesTransferred | "by" := 'pair', top := 50
-- answers: VPC console: VpcFlowLogsTotalBytesTransferredPacketLevel | "by" := 'pkt_pair', top := 50
-- answers: CloudWatch: top 15 source and destination pairs by packets | "by" := 'pair', metric := 'packets', top := 15
-- answers: CloudWatch: top 15 destinations by bytes for the hosts of a subnet | "by" := 'dstaddr', addr := '192.0.2.0/24', top := 15
-- answers: CloudWatch: sources that use UDP | protocol := 17, metric := 'flows', top := NULL
-- answers: Athena guide: the ten servers that received most packets over HTTPS in seven days | "by" := 'dstaddr', metric := 'packets', port := 443, since := current_date - 7
-- answers: Contributor Insights: highest number of HTTPS requests | "by" := 'dstaddr', metric := 'packets', port := 443
-- answers: Contributor Insights: rejected TCP connections | "by" := 'interface_id,srcaddr', metric := 'flows', protocol := 6, action := 'REJECT'
-- answers: VPC console: VpcFlowLogsAcceptedTraffic | "by" := 'pair', protocol := 6, action := 'ACCEPT', top := NULL
-- answers: VPC console: VpcFlowLogsTopTCPTraffic | "by" := 'srcaddr', protocol := 6
-- answers: VPC console: VpcFlowLogsIPv4Traffic | "by" := 'ip_family'
-- answers: VPC console: VpcFlowLogsIPv6Traffic | "by" := 'ip_family'
-- answers: Contributor Insights: byte transfers by source and destination address | "by" := 'pair'
-- answers: Tailpipe: Top 10 Source IPs Generating Traffic | metric := 'flows'
-- answers: Tailpipe: Top 10 IP Addresses by Request Count | metric := 'flows'
-- answers: Tailpipe: High-Volume Network Traffic | "by" := 'interface_id'
-- answers: Tailpipe: Traffic to a Specific Subnet | "by" := 'subnet_id'
-- answers: Tailpipe: Track Traffic to a Specific Instance | "by" := 'instance_id'
-- answers: VPC console: VpcFlowLogsRejectedTCPTraffic | "by" := 'pair', protocol := 6, action := 'REJECT', top := NULL
-- answers: Athena guide: the servers that received most packets over HTTPS in a period | "by" := 'dstaddr', metric := 'packets', port := 443, since := '2024-01-15', until := '2024-01-16'
-- answers: Tailpipe: high_packet_traffic | "by" := 'pair', metric := 'packets'
-- answers: Tailpipe: High-Volume Network Traffic by interface | "by" := 'interface_id'
-- answers: Tailpipe: network graph | "by" := 'pair', top := 5000
-- answers: Tailpipe: activity dashboard, total, accepted and rejected records | "by" := 'action', metric := 'flows', others := true
-- answers: Tailpipe: activity dashboard, records by region | "by" := 'region', metric := 'flows', top := NULL
-- answers: Tailpipe: activity dashboard, records by protocol | "by" := 'protocol', metric := 'flows', top := NULL
-- answers: Tailpipe: activity dashboard, top interfaces | "by" := 'interface_id', metric := 'flows'
-- answers: Tailpipe: activity dashboard, top sources | "by" := 'srcaddr', metric := 'flows'
-- answers: Tailpipe: activity dashboard, top destinations | "by" := 'dstaddr', metric := 'flows'
-- answers: Tailpipe: activity dashboard, top pairs by packets | "by" := 'pair', metric := 'packets'
-- source: SiLK, top-N with cumulative share
CREATE OR REPLACE MACRO top_talkers(
    "by" := 'srcaddr', metric := 'bytes', since := NULL, until := NULL, interface_id := NULL, addr := NULL,
    port := NULL, protocol := NULL, action := NULL, dedup := false, others := false, top := 10
) AS TABLE
WITH ends AS (
    SELECT
        account_id,
        flows.interface_id,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        flows.protocol,
        upper(flows.action) AS action,
        vpc_id,
        subnet_id,
        instance_id,
        pkt_srcaddr,
        pkt_dstaddr,
        region,
        az_id,
        pkt_src_aws_service,
        pkt_dst_aws_service,
        ip_family(srcaddr) AS ip_family,
        flows.flows,
        packets,
        bytes,
        first_start,
        last_start,
        coalesce(srcport < dstport OR (srcport = dstport AND srcaddr <= dstaddr), srcaddr <= dstaddr) AS server_sends
    FROM summed_traffic(
        'top_talkers',
        list_concat(
            key_fields("by", list_append(known_keys(), 'ip_family')),
            CASE WHEN keys_of("by") = ['conversation'] THEN ['srcaddr', 'dstaddr'] ELSE [] END,
            metric_fields(metric),
            field_if(port, 'dstport'),
            field_if(protocol, 'protocol'),
            field_if(action, 'action')
        ),
        port IS NULL
            AND NOT coalesce(dedup, false)
            AND coalesce(
                list_has_all(
                    ['interface_id', 'account_id', 'srcaddr', 'dstaddr', 'protocol', 'action', 'ip_family'],
                    key_columns("by")
                ),
                false
            ),
        since,
        until,
        interface_id
    ) AS flows
    WHERE touches(addr, srcaddr, dstaddr)
        AND (port IS NULL OR CASE WHEN check_number('port', port, 0, highest := 65535) THEN dstport = port END)
        AND (protocol IS NULL OR CASE WHEN check_number('protocol', protocol, 0, highest := 255) THEN flows.protocol = protocol END)
        AND (
            action IS NULL
            OR CASE
                WHEN upper(action) IN ('ACCEPT', 'REJECT') THEN upper(flows.action) = upper(action)
                ELSE one_of('action', action, ['ACCEPT', 'REJECT'])
            END
        )
        AND check_keys('by', "by", list_concat(known_keys(), ['ip_family', 'pair', 'pkt_pair', 'conversation']))
        AND one_of('metric', metric, ['bytes', 'packets', 'flows'])
),

keyed AS (
    SELECT
        *,
        ends.interface_id AS seen_at,
        row(ends.protocol, coalesce(pkt_srcaddr, srcaddr), srcport, coalesce(pkt_dstaddr, dstaddr), dstport) AS connection,
        CASE WHEN server_sends THEN srcaddr ELSE dstaddr END AS "server",
        CASE WHEN server_sends THEN srcport ELSE dstport END AS server_port,
        CASE WHEN server_sends THEN dstaddr ELSE srcaddr END AS client,
        CASE WHEN server_sends THEN dstport ELSE srcport END AS client_port
    FROM ends
),

-- With dedup, what each interface logged of each direction of a connection; else what each key has in all.
sides AS (
    SELECT
        COLUMNS(
            lambda c: CASE replace("by", ' ', '')
                WHEN 'conversation' THEN c IN ('server', 'server_port', 'client', 'client_port', 'protocol')
                ELSE is_key(c, "by", list_append(known_keys(), 'ip_family'))
            END
            -- Not there unless asked for: a column that is always empty takes time in a group too.
            OR (coalesce(dedup, false) AND c IN ('seen_at', 'connection'))
        ),
        sum(keyed.flows)::BIGINT AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(first_start) AS first_seen,
        max(last_start) AS last_seen
    FROM keyed
    GROUP BY ALL
),

once AS (
    SELECT
        COLUMNS(lambda c: c NOT IN ('seen_at', 'flows', 'packets', 'bytes', 'first_seen', 'last_seen')),
        max(flows) AS flows,
        max(packets) AS packets,
        max(bytes) AS bytes,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM sides
    GROUP BY ALL
),

sums AS (
    SELECT
        COLUMNS(lambda c: c NOT IN ('connection', 'flows', 'packets', 'bytes', 'first_seen', 'last_seen')),
        total(flows) AS flows,
        total(packets) AS packets,
        total(bytes) AS bytes,
        CASE metric WHEN 'packets' THEN total(packets) WHEN 'flows' THEN total(flows) ELSE total(bytes) END AS amount,
        min(first_seen) AS first_seen,
        max(last_seen) AS last_seen
    FROM once
    GROUP BY ALL
),

top_sums AS (
    SELECT
        *,
        row(*COLUMNS(* EXCLUDE (flows, packets, bytes, amount, first_seen, last_seen))) AS "key"
    FROM sums
    ORDER BY amount DESC NULLS LAST, "key"
    LIMIT top
),

total AS (
    SELECT
        nullif(sum(amount), 0) AS amount,
        sum(flows) AS flows,
        sum(packets) AS packets,
        sum(bytes) AS bytes,
        count(*) AS keys
    FROM sums
),

shown AS (
    SELECT
        sum(amount) AS amount,
        coalesce(sum(flows), 0) AS flows,
        coalesce(sum(packets), 0) AS packets,
        coalesce(sum(bytes), 0) AS bytes,
        count(*) AS keys
    FROM top_sums
),

answer AS (
    SELECT
        top_sums.* EXCLUDE (first_seen, last_seen),
        round(top_sums.amount / total.amount, 6) AS share,
        round(
            sum(top_sums.amount) OVER (ORDER BY top_sums.amount DESC NULLS LAST, "key" ROWS UNBOUNDED PRECEDING)
            / total.amount,
            6
        ) AS cumulative_share,
        first_seen,
        last_seen,
        1::BIGINT AS keys,
        false AS is_rest
    FROM top_sums
    CROSS JOIN total
    UNION ALL BY NAME
    SELECT
        least(total.flows - shown.flows, 9223372036854775807)::BIGINT AS flows,
        least(total.packets - shown.packets, 9223372036854775807)::BIGINT AS packets,
        least(total.bytes - shown.bytes, 9223372036854775807)::BIGINT AS bytes,
        round((total.amount - coalesce(shown.amount, 0)) / total.amount, 6) AS share,
        1.0 AS cumulative_share,
        total.keys - shown.keys AS keys,
        true AS is_rest
    FROM total
    CROSS JOIN shown
    WHERE others
        AND total.keys > shown.keys
)

SELECT * EXCLUDE (amount, "key", is_rest)
FROM answer
ORDER BY is_rest, amount DESC NULLS LAST, "key";
