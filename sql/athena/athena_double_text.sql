-- summary: A number as text, as Java writes it: 0.1, 100.0, 1.0E7, 1.5E-5.
-- param: number DOUBLE -- a number
CREATE OR REPLACE MACRO athena_double_text(number) AS
    CASE
        WHEN isnan(number) THEN 'NaN'
        WHEN isinf(number) THEN CASE WHEN number < 0 THEN '-Infinity' ELSE 'Infinity' END
        WHEN number = 0 OR (abs(number) >= 0.001 AND abs(number) < 10000000) THEN number::VARCHAR
        ELSE list_transform(
            [
                regexp_extract(
                    number::VARCHAR, '^(-?)([0-9]+)[.]?([0-9]*)(?:e(.+))?$', ['sign', 'whole', 'part', 'power']
                )
            ],
            lambda athena_cut: athena_cut.sign
            || ltrim(athena_cut.whole || athena_cut.part, '0')[1]
            || '.'
            || coalesce(nullif(rtrim(ltrim(athena_cut.whole || athena_cut.part, '0')[2:], '0'), ''), '0')
            || 'E'
            || (
                coalesce(TRY_CAST(athena_cut.power AS INTEGER), 0)
                + CASE athena_cut.whole
                    WHEN '0' THEN length(ltrim(athena_cut.part, '0')) - length(athena_cut.part) - 1
                    ELSE length(athena_cut.whole) - 1
                END
            )
        )[1]
    END;
