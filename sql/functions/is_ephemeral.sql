-- summary: Whether a port is in the range from which a system takes ephemeral ports; see ephemeral_ranges.
-- param: port INTEGER -- a port; NULL gives NULL
-- param: os TEXT = 'linux' -- a name in ephemeral_ranges
CREATE OR REPLACE MACRO is_ephemeral(port, os := 'linux') AS
    port BETWEEN ephemeral_port(os, 'first') AND ephemeral_port(os, 'last');
