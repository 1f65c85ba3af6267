-- summary: Whether a record goes towards a service by its ports alone, not back from it; NULL where they do not tell. See is_request.
-- param: srcport INTEGER -- the record's source port
-- param: dstport INTEGER -- the record's destination port
-- param: src_serves BOOLEAN -- whether the source port is that of a service, as is_service has it
-- param: dst_serves BOOLEAN -- whether the destination port is
CREATE OR REPLACE MACRO asks_service(srcport, dstport, src_serves, dst_serves) AS
    CASE
        WHEN least(srcport, dstport) < 1024 AND greatest(srcport, dstport) >= 32768 THEN srcport > dstport
        WHEN src_serves <> dst_serves THEN
            -- A service among the ephemeral ports may be a client's own port as well.
            CASE
                WHEN dst_serves AND (dstport < 32768 OR srcport >= 32768) THEN true
                WHEN src_serves AND (srcport < 32768 OR dstport >= 32768) THEN false
            END
        WHEN srcport <> dstport AND least(srcport, dstport) < 32768 THEN srcport > dstport
    END;
