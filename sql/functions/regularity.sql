-- summary: How regular measures are, from 0 to 1, by their quartiles and their median absolute deviation.
-- param: quartiles DOUBLE[] -- the three quartiles; NULL gives NULL
-- param: deviation DOUBLE -- the median absolute deviation
-- source: RITA: half is 1 less Bowley's skewness, which is none if the quartiles lie less than 10 apart or two are the same; half is 1 less the deviation's part of the median
CREATE OR REPLACE MACRO regularity(quartiles, deviation) AS (
    CASE
        WHEN quartiles[3] - quartiles[1] >= 10 AND quartiles[1] < quartiles[2] AND quartiles[2] < quartiles[3]
            THEN 1 - abs(quartiles[1] + quartiles[3] - 2 * quartiles[2]) / (quartiles[3] - quartiles[1])
        ELSE 1
    END
    + CASE
        WHEN deviation = 0 THEN 1
        ELSE greatest(0, 1 - deviation / nullif(quartiles[2], 0))
    END
) / 2;
