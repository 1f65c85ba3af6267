-- summary: Ports that belong together: 'admin', of remote and web administration, and 'database', of databases and caches.
-- columns: port_group, port
-- source: the services' own manuals; Amazon RDS, ElastiCache, DocumentDB, Neptune and Redshift user guides, default ports
CREATE OR REPLACE VIEW port_groups AS
SELECT
    port_group,
    unnest(numbers) AS port
FROM (
    VALUES
        (
            'admin',
            [
                22, 23, 512, 513, 514, 623, 902, 992, 2082, 2083, 2086, 2087, 2222, 2375, 2376, 3389, 4848,
                5800, 5900, 5901, 5938, 5985, 5986, 6443, 8006, 8089, 8443, 9090, 9443, 9990, 10000, 10250, 15672
            ]
        ),
        (
            'database',
            [
                523, 1150, 1433, 1434, 1521, 1522, 1526, 2424, 2483, 2484, 2638, 3050, 3306, 3307, 5432, 5433, 5439,
                5984, 6379, 6380, 6381, 6382, 6383, 6432, 7000, 7001, 7474, 7687, 8086, 8111, 8123, 8182, 8529, 9042,
                9142, 9160, 9200, 9300, 11211, 26257, 27017, 27018, 27019, 28015, 33060, 50000
            ]
        )
) AS lists (port_group, numbers);
