-- summary: The name of a protocol by its number; a number without a name is its own.
-- param: protocol INTEGER -- an IANA protocol number; NULL gives NULL
-- source: IANA, protocol numbers
CREATE OR REPLACE MACRO protocol_name(protocol) AS
    coalesce(
        (
            -- A name that the argument has too would be taken for the one in here.
            SELECT any_value(flowdb_protocols.flowdb_name)
            FROM protocols AS flowdb_protocols (flowdb_number, flowdb_name)
            WHERE flowdb_protocols.flowdb_number = protocol
        ),
        protocol::VARCHAR
    );
