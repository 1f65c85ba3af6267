-- summary: So many units of time as an interval; a cast that fails for a unit that is none.
-- param: unit TEXT -- the name of a unit of time
-- param: amount BIGINT -- how many
CREATE OR REPLACE MACRO athena_span(unit, amount) AS
    CASE lower(unit)
        WHEN 'millisecond' THEN to_milliseconds(amount)
        WHEN 'second' THEN to_seconds(amount)
        WHEN 'minute' THEN to_minutes(amount)
        WHEN 'hour' THEN to_hours(amount)
        WHEN 'day' THEN to_days(amount::INTEGER)
        WHEN 'week' THEN to_days((7 * amount)::INTEGER)
        WHEN 'month' THEN to_months(amount::INTEGER)
        WHEN 'quarter' THEN to_months((3 * amount)::INTEGER)
        WHEN 'year' THEN to_years(amount::INTEGER)
        ELSE (unit || ' is no unit of time')::INTERVAL
    END;
