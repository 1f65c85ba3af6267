WITH period AS (
    SELECT max(date) + INTERVAL 1 DAY AS last_moment
    FROM flows
),

sums AS (
    SELECT
        srcaddr,
        sum(bytes) FILTER (start_time < last_moment - INTERVAL 1 DAY)::BIGINT AS "before",
        sum(bytes) FILTER (start_time >= last_moment - INTERVAL 1 DAY)::BIGINT AS "after",
        bool_or(start_time < last_moment - INTERVAL 1 DAY) AS was_there,
        bool_or(start_time >= last_moment - INTERVAL 1 DAY) AS is_there
    FROM flows
    CROSS JOIN period
    WHERE log_status = 'OK'
        AND start_time >= last_moment - INTERVAL 2 DAY
        AND start_time < last_moment
    GROUP BY srcaddr
)

SELECT
    srcaddr,
    coalesce("before", 0) AS "before",
    coalesce("after", 0) AS "after",
    coalesce("after", 0) - coalesce("before", 0) AS change,
    CASE WHEN "before" > 0 THEN round((coalesce("after", 0) - "before") / "before", 6) END AS change_share,
    CASE
        WHEN NOT was_there THEN 'new'
        WHEN NOT is_there THEN 'gone'
        WHEN change > 0 THEN 'more'
        WHEN change < 0 THEN 'less'
        ELSE 'same'
    END AS state
FROM sums
ORDER BY abs(change) DESC, srcaddr
LIMIT 10;
