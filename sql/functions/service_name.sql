-- summary: The name of the service that is usually at a port; NULL where none is known.
-- param: port INTEGER -- a port
-- param: protocol INTEGER = 6 -- the protocol's number: 6 TCP, 17 UDP
CREATE OR REPLACE MACRO service_name(port, protocol := 6) AS (
    -- A name that an argument has too would be taken for the one in here.
    SELECT any_value(flowdb_listed.flowdb_name)
    FROM flowdb_services AS flowdb_listed (flowdb_protocol, flowdb_port, flowdb_name)
    WHERE flowdb_listed.flowdb_port = port AND flowdb_listed.flowdb_protocol = protocol
);
