-- summary: Trino's sequence of dates, which counts upwards or downwards.
-- param: first DATE -- the first day
-- param: last DATE -- the last day, included
CREATE OR REPLACE MACRO athena_sequence_of_days(first, last) AS
    list_transform(
        generate_series(first::TIMESTAMP, last::TIMESTAMP, to_days(CASE WHEN first <= last THEN 1 ELSE -1 END)),
        lambda athena_day: athena_day::DATE
    );
