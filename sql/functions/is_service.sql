-- summary: Whether a port is that of a service in services, of whatever protocol.
-- param: port INTEGER -- a port; NULL gives NULL
CREATE OR REPLACE MACRO is_service(port) AS
    -- A bit for each port, which is looked up faster than a list or a join.
    get_bit((SELECT bitstring_agg(known.number, 0, 65535) FROM flowdb_services AS known (transport, number, label)), port) = 1;
