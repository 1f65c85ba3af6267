-- summary: Trino's ip_prefix: the range of an address with so many bits.
-- param: addr TEXT -- an address
-- param: bits INTEGER -- how many bits of it count
CREATE OR REPLACE MACRO athena_ip_prefix(addr, bits) AS
    CASE
        WHEN contains(addr::VARCHAR, ':') THEN athena_ip_text(cidr_end(addr::VARCHAR || '/' || bits, '0')) || '/' || bits
        ELSE list_transform(
            [string_split(addr::VARCHAR, '.')],
            lambda athena_octets: array_to_string(
                list_transform(
                    [1, 2, 3, 4],
                    -- What of the octet counts.
                    lambda athena_place: (
                        athena_octets[athena_place]::INTEGER & (256 - (1 << (8 - greatest(least(bits - 8 * (athena_place - 1), 8), 0))))
                    )::VARCHAR
                ),
                '.'
            ) || '/' || bits
        )[1]
    END;
