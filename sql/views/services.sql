-- summary: The services that are usually at a port.
-- columns: protocol, port, name
-- source: IANA, service names and port numbers; the services' own manuals where they have none there
CREATE OR REPLACE VIEW services AS
SELECT *
FROM flowdb_services;
