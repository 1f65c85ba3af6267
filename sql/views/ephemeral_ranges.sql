-- summary: The port ranges from which systems take the client's end of a connection.
-- columns: name, first_port, last_port, ports, meaning
-- source: Amazon VPC user guide, "Network ACLs: ephemeral ports"; RFC 6056; IANA; the systems' own manuals
CREATE OR REPLACE VIEW ephemeral_ranges AS
SELECT
    name,
    ephemeral_port(name, 'first') AS first_port,
    ephemeral_port(name, 'last') AS last_port,
    ephemeral_port(name, 'ports') AS ports,
    meaning
FROM (
    VALUES
        ('rfc6056', 'RFC 6056: every port that is not well known'),
        ('iana', 'IANA: dynamic ports'),
        ('freebsd', 'FreeBSD'),
        ('linux', 'Linux'),
        ('linux-4.2', 'Linux 4.2 and later'),
        ('windows-xp', 'Windows XP'),
        ('windows-server-2003', 'Windows Server 2003'),
        ('windows-vista', 'Windows Vista and later'),
        ('windows-server-2008', 'Windows Server 2008 and later'),
        ('nat-gateway', 'NAT gateway')
) AS ranges (name, meaning);
