-- summary: The name of a protocol by its number; a number without a name is its own.
-- param: protocol INTEGER -- an IANA protocol number; NULL gives NULL
-- source: IANA, protocol numbers
CREATE OR REPLACE MACRO protocol_name(protocol) AS
    coalesce(
        (SELECT any_value(known.label) FROM protocols AS known (number, label) WHERE known.number = protocol),
        protocol::VARCHAR
    );
