-- summary: Whether a record goes towards a service, not back from it; NULL where that cannot be told.
-- param: srcport INTEGER -- the record's source port
-- param: dstport INTEGER -- the record's destination port
-- param: tcp_flags INTEGER -- the record's flags; NULL where the log has none
-- source: SYN alone is of the one who asks, SYN and ACK are of the one who answers (Amazon VPC user guide, TCP flag sequence); else a well-known port is the service's if the other is in the range of Linux's ephemeral ports, then one in services, unless it is in that range and the other is not; then the lower one, unless both are in that range or equal
CREATE OR REPLACE MACRO is_request(srcport, dstport, tcp_flags) AS
    CASE
        WHEN tcp_flags & 18 = 2 THEN true
        WHEN tcp_flags & 18 = 18 THEN false
        ELSE asks_service(srcport, dstport, is_service(srcport), is_service(dstport))
    END;
