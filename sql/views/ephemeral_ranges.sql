-- summary: The port ranges from which systems take the client's end of a connection.
-- columns: name, first_port, last_port, ports, meaning
-- source: Amazon VPC user guide, "Network ACLs: ephemeral ports"; RFC 6056; IANA; the systems' own manuals
CREATE OR REPLACE VIEW ephemeral_ranges AS
SELECT
    name,
    first_port,
    last_port,
    last_port - first_port + 1 AS ports,
    meaning
FROM (
    VALUES
        ('rfc6056', 1024, 65535, 'RFC 6056: every port that is not well known'),
        ('iana', 49152, 65535, 'IANA: dynamic ports'),
        ('freebsd', 49152, 65535, 'FreeBSD'),
        ('linux', 32768, 61000, 'Linux'),
        ('linux-4.2', 32768, 60999, 'Linux 4.2 and later'),
        ('windows-xp', 1025, 5000, 'Windows XP'),
        ('windows-server-2003', 1025, 5000, 'Windows Server 2003'),
        ('windows-vista', 49152, 65535, 'Windows Vista and later'),
        ('windows-server-2008', 49152, 65535, 'Windows Server 2008 and later'),
        ('nat-gateway', 1024, 65535, 'NAT gateway')
) AS ranges (name, first_port, last_port, meaning);
