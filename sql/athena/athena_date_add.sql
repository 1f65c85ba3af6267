-- summary: Trino's date_add.
-- param: unit TEXT -- millisecond, second, minute, hour, day, week, month, quarter, year
-- param: amount BIGINT -- how many
-- param: moment TIMESTAMP -- a date, which stays one, or a timestamp
CREATE OR REPLACE MACRO athena_date_add(unit, amount, moment) AS
    struct_extract(
        {
            'as_date': (moment + athena_span(unit, amount))::DATE,
            'as_timestamp': (moment + athena_span(unit, amount))::TIMESTAMP
        },
        CASE typeof(moment) WHEN 'DATE' THEN 'as_date' ELSE 'as_timestamp' END
    );
