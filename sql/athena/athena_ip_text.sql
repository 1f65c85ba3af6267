-- summary: The text of an address whose ip_key is given; of IPv6 the longest row of zeros is left out.
-- param: key TEXT -- an ip_key; NULL gives NULL
CREATE OR REPLACE MACRO athena_ip_text(key) AS
    CASE left(key, 1)
        WHEN '4' THEN array_to_string(
            list_transform([2, 4, 6, 8], lambda athena_place: ('0x' || key[athena_place:athena_place + 1])::INTEGER::VARCHAR), '.'
        )
        WHEN '6' THEN list_transform(
            [
                array_to_string(
                    list_transform(
                        [2, 6, 10, 14, 18, 22, 26, 30],
                        lambda athena_place: coalesce(nullif(ltrim(key[athena_place:athena_place + 3], '0'), ''), '0')
                    ),
                    ':'
                )
            ],
            lambda groups: coalesce(
                list_filter(
                    list_transform(
                        [8, 7, 6, 5, 4, 3, 2],
                        lambda zeros: CASE
                            WHEN regexp_matches(groups, '(^|:)0(:0){' || (zeros - 1) || '}(:|$)')
                                THEN regexp_replace(groups, '(^|:)0(:0){' || (zeros - 1) || '}(:|$)', '::')
                        END
                    ),
                    lambda short: short IS NOT NULL
                )[1],
                groups
            )
        )[1]
    END;
