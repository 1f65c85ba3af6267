-- summary: Whether a record is an answer in its conversation: by its SYN, else it is when it comes from the lower port; ports that are the same give false.
-- param: srcport INTEGER -- the record's source port
-- param: dstport INTEGER -- the record's destination port; where one of the two is NULL it is no answer
-- param: tcp_flags INTEGER -- the record's TCP flags; NULL where the log does not have them
CREATE OR REPLACE MACRO is_answer(srcport, dstport, tcp_flags) AS
    CASE tcp_flags & 18
        WHEN 18 THEN true
        WHEN 2 THEN false
        ELSE coalesce(srcport < dstport, false)
    END;
