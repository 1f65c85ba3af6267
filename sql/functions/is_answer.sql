-- summary: Whether a record goes back from a service; false where that cannot be told. See is_request.
-- param: srcport INTEGER -- the record's source port
-- param: dstport INTEGER -- the record's destination port
-- param: tcp_flags INTEGER -- the record's TCP flags; NULL where the log does not have them
CREATE OR REPLACE MACRO is_answer(srcport, dstport, tcp_flags) AS NOT coalesce(is_request(srcport, dstport, tcp_flags), true);
