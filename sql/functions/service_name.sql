-- summary: The name of the service that is usually at a port; NULL where none is known.
-- param: port INTEGER -- a port
-- param: protocol INTEGER = 6 -- the protocol's number: 6 TCP, 17 UDP
CREATE OR REPLACE MACRO service_name(port, protocol := 6) AS (
    SELECT any_value(known.label)
    FROM services AS known (transport, number, label)
    WHERE known.number = port AND known.transport = protocol
);
