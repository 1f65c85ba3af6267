-- summary: The 32 hexadecimal digits of an IPv6 address; NULL for what is none.
-- param: addr TEXT -- any form of RFC 4291: zeros left out or not, either case, the end as an IPv4 address
CREATE OR REPLACE MACRO ip6_key(addr) AS
    -- Each step is given to the next by a name: written out, every use of it would repeat all before it.
    list_transform(
        list_transform(
            list_transform(
                [lower(addr)],
                lambda a: CASE
                    WHEN contains(a, '.')
                        THEN regexp_extract(a, '^(.*:)[0-9.]+$', 1)
                            || regexp_replace(ip4_key(regexp_extract(a, ':([0-9.]+)$', 1)), '(....)(....)', '\1:\2')
                    ELSE a
                END
            ),
            lambda a: CASE
                WHEN regexp_full_match(a, '([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,7})?(::([0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6})?)?')
                    -- Every group gets three zeros before it, and keeps its last four digits.
                    THEN list_transform(
                        string_split(a, '::'),
                        lambda groups: regexp_replace(
                            regexp_replace(':' || nullif(groups, ''), ':', ':000', 'g'), ':0*([0-9a-f]{4})', '\1', 'g'
                        )
                    )
            END
        ),
        lambda halves: CASE
            WHEN len(halves) = 1 AND length(halves[1]) = 32 THEN halves[1]
            WHEN len(halves) = 2 AND length(concat(halves[1], halves[2])) < 32
                THEN rpad(
                    coalesce(halves[1], ''), (32 - length(coalesce(halves[2], '')))::INTEGER, '0'
                ) || coalesce(halves[2], '')
        END
    )[1];
