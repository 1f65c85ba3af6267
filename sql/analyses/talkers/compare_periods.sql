-- summary: This period beside the one before it, of the same length: what grew, what is new, what is gone.
-- param: by KEYS = 'srcaddr' {srcaddr, dstaddr, pair, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action} -- what to add up by; two keys are two columns, in the order that flows has them
-- param: metric TEXT = 'bytes' {bytes, packets, flows} -- what to compare
-- param: since TIMESTAMP = NULL -- first moment of this period, included; NULL for a day before its end
-- param: until TIMESTAMP = NULL -- last moment of this period, excluded; NULL for the end of the newest date
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: addr CIDR = NULL -- only flows of which an end lies in it
-- param: top INTEGER = 10 -- how many rows; NULL for every row
-- columns: the key, before, after, change, change_share, state
-- tags: traffic, baseline
-- trap: both ends -- counted at both in both periods, unless interface_id names one
-- trap: windows -- summed; a record counts in the period of its start
-- trap: no data -- left out
-- counts: before and after are sums of the metric; change_share is the change as a share of before, NULL for what is new; state is 'more', 'less', 'same', 'new' or 'gone'
-- counts: those that changed most come first
-- source: Akvorado, previous period
CREATE OR REPLACE MACRO compare_periods(
    "by" := 'srcaddr', metric := 'bytes', since := NULL, until := NULL, interface_id := NULL, addr := NULL, top := 10
) AS TABLE
WITH period AS (
    SELECT
        first_moment,
        last_moment,
        first_moment - (last_moment - first_moment) AS before_moment
    FROM (
        SELECT
            coalesce(utc(since), last_moment - INTERVAL 1 DAY) AS first_moment,
            last_moment
        FROM (SELECT coalesce(utc(until), (SELECT max(newest.date)::TIMESTAMP + INTERVAL 1 DAY FROM flows AS newest)) AS last_moment)
    )
),

ends AS (
    SELECT
        account_id,
        flows.interface_id,
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        protocol,
        upper(action) AS action,
        vpc_id,
        subnet_id,
        instance_id,
        pkt_srcaddr,
        pkt_dstaddr,
        region,
        az_id,
        pkt_src_aws_service,
        pkt_dst_aws_service,
        CASE metric WHEN 'packets' THEN packets WHEN 'flows' THEN 1 ELSE bytes END AS amount,
        moment >= first_moment AS is_after
    FROM (
        SELECT
            *,
            record_moment(start_time, end_time, date) AS moment
        FROM traffic(
            'compare_periods',
            list_concat(key_fields("by", known_keys()), metric_fields(metric)),
            -- Known beforehand, it prunes files.
            CASE WHEN since IS NOT NULL AND until IS NOT NULL THEN utc(since) - (utc(until) - utc(since)) END,
            until,
            interface_id
        )
    ) AS flows
    INNER JOIN period
        ON flows.date >= before_moment::DATE
        AND moment >= before_moment
        AND moment < last_moment
    WHERE touches(addr, srcaddr, dstaddr)
        AND check_keys('by', "by", list_concat(known_keys(), ['pair', 'pkt_pair']))
        AND one_of('metric', metric, ['bytes', 'packets', 'flows'])
),

sums AS (
    SELECT
        COLUMNS(lambda c: is_key(c, "by", known_keys())),
        total(CASE WHEN NOT is_after THEN amount END) AS "before",
        total(CASE WHEN is_after THEN amount END) AS "after",
        coalesce(bool_or(NOT is_after), false) AS was_there,
        coalesce(bool_or(is_after), false) AS is_there
    FROM ends
    GROUP BY ALL
),

ranked AS (
    SELECT
        *,
        row(*COLUMNS(* EXCLUDE ("before", "after", was_there, is_there))) AS "key",
        coalesce("after", 0)::HUGEINT - coalesce("before", 0) AS difference
    FROM sums
)

SELECT
    ranked.* EXCLUDE ("before", "after", was_there, is_there, "key", difference),
    coalesce("before", 0) AS "before",
    coalesce("after", 0) AS "after",
    difference::BIGINT AS change,
    CASE WHEN "before" > 0 THEN round(difference / "before", 6) END AS change_share,
    CASE
        WHEN NOT was_there THEN 'new'
        WHEN NOT is_there THEN 'gone'
        WHEN difference > 0 THEN 'more'
        WHEN difference < 0 THEN 'less'
        ELSE 'same'
    END AS state
FROM ranked
ORDER BY abs(difference) DESC, "key"
LIMIT top;
