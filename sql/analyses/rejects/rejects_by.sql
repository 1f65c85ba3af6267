-- summary: Refused records by interface, subnet, instance, VPC, account, reason, address, port or protocol, and how much of each one's own was refused.
-- param: by KEYS = 'interface_id' {interface_id, subnet_id, instance_id, vpc_id, account_id, reject_reason, srcaddr, dstaddr, dstport, protocol} -- what to add up by; two keys are two columns, in the order that flows has them
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- needs: action
-- columns: the key, attempts, share, flows, refused_share, packets, bytes, first_seen, last_seen
-- tags: security, troubleshooting, reject
-- trap: both ends -- only the interface that refuses has a refused record; what was accepted at one end and refused at the other is in flows twice, unless interface_id names one
-- trap: replies -- a refused answer counts for the one who answered
-- trap: windows -- attempts and flows are records, of which a long one is several
-- trap: no data -- left out
-- counts: attempts are the refused records of the key, share is theirs of all that were refused; flows are all records of the key, and refused_share is the part of them that was refused; packets, bytes and times are those of the refused records; a key that was not logged is empty
-- answers: Contributor Insights: rejected TCP connections by interface and source | "by" := 'interface_id,srcaddr'
-- answers: Tailpipe: High-Volume Rejected Traffic | "by" := 'srcaddr,dstaddr'
-- source: CloudWatch Contributor Insights, sample rule for rejected TCP connections
CREATE OR REPLACE MACRO rejects_by(
    "by" := 'interface_id', since := NULL, until := NULL, interface_id := NULL, top := 10
) AS TABLE
WITH sums AS (
    SELECT
        COLUMNS(
            lambda c: is_key(
                c,
                "by",
                [
                    'interface_id', 'subnet_id', 'instance_id', 'vpc_id', 'account_id', 'reject_reason', 'srcaddr',
                    'dstaddr', 'dstport', 'protocol'
                ]
            )
        ),
        sum(CASE WHEN upper(action) = 'REJECT' THEN records.flows ELSE 0 END)::BIGINT AS attempts,
        sum(records.flows)::BIGINT AS flows,
        total(CASE WHEN upper(action) = 'REJECT' THEN packets END) AS packets,
        total(CASE WHEN upper(action) = 'REJECT' THEN bytes END) AS bytes,
        min(CASE WHEN upper(action) = 'REJECT' THEN first_start END) AS first_seen,
        max(CASE WHEN upper(action) = 'REJECT' THEN last_start END) AS last_seen
    FROM summed_traffic(
        'rejects_by',
        ['action'],
        coalesce(list_has_all(['interface_id', 'account_id', 'srcaddr', 'dstaddr', 'protocol'], key_columns("by")), false),
        since,
        until,
        interface_id
    ) AS records
    WHERE check_keys(
            'by',
            "by",
            [
                'interface_id', 'subnet_id', 'instance_id', 'vpc_id', 'account_id', 'reject_reason', 'srcaddr',
                'dstaddr', 'dstport', 'protocol'
            ]
        )
        AND needs(
            'rejects_by',
            key_fields(
                "by",
                [
                    'interface_id', 'subnet_id', 'instance_id', 'vpc_id', 'account_id', 'reject_reason', 'srcaddr',
                    'dstaddr', 'dstport', 'protocol'
                ]
            ),
            since,
            until
        )
    GROUP BY ALL
),

refused AS (
    SELECT
        *,
        row(*COLUMNS(* EXCLUDE (attempts, flows, packets, bytes, first_seen, last_seen))) AS "key",
        sum(attempts) OVER () AS of_all
    FROM sums
    WHERE attempts > 0
)

SELECT
    refused.* EXCLUDE (attempts, flows, packets, bytes, first_seen, last_seen, "key", of_all),
    attempts,
    round(attempts / of_all, 6) AS share,
    flows,
    round(attempts / flows, 6) AS refused_share,
    packets,
    bytes,
    first_seen,
    last_seen
FROM refused
ORDER BY attempts DESC, "key"
LIMIT top;
