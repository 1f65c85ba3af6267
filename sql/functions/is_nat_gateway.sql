-- summary: Whether a record is one of a NAT gateway, as far as it says so itself, in fields of version 9 and 11.
-- param: interface_type TEXT -- the record's interface_type
-- param: resource_id TEXT -- the record's resource_id
CREATE OR REPLACE MACRO is_nat_gateway(interface_type, resource_id) AS
    coalesce(interface_type IN ('nat_gateway', 'regional_nat_gateway'), false)
    OR coalesce(starts_with(resource_id, 'nat-'), false);
