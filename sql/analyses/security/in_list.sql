-- summary: Traffic with addresses of a list, such as one of known attackers: which entry, which address, and who talked with it.
-- param: cidrs CIDR[] -- the list: addresses and ranges
-- param: since TIMESTAMP = NULL -- first moment, included
-- param: until TIMESTAMP = NULL -- last moment, excluded
-- param: interface_id TEXT = NULL -- only flows that this interface saw
-- param: top INTEGER = 100 -- how many rows; NULL for every row
-- needs: srcaddr, dstaddr
-- columns: cidr, addr, peer, flows, accepted, rejected, packets, bytes_sent, bytes_received, first_seen, last_seen
-- tags: security, detection
-- trap: both ends -- counted at both, unless interface_id names one
-- trap: nat -- a listed address that a NAT gateway talks with is also a peer of who is behind it
-- trap: windows -- summed
-- trap: replies -- both directions are one row; a refused answer is one of its rejected flows
-- trap: no data -- left out
-- counts: an address is that of the entry with the most bits in which it lies, of equal ones the last as text, so that every flow counts once for it; a flow between two listed addresses is in the rows of both
-- counts: bytes_sent were sent by the listed address, bytes_received by its peer; an entry is of either family, in any textual form, without a length one address, and NULL is none
-- source: MITRE ATT&CK T1071; SiLK, IP sets
CREATE OR REPLACE MACRO in_list(cidrs, since := NULL, until := NULL, interface_id := NULL, top := 100) AS TABLE
WITH listed AS (
    SELECT unnest(cidrs::VARCHAR[]) AS cidr
),

parsed AS (
    SELECT DISTINCT
        cidr,
        cidr_parts(cidr) AS net
    FROM listed
    WHERE cidr IS NOT NULL
),

entries AS (
    SELECT
        cidr,
        CASE
            WHEN net IS NULL
                THEN error(
                    '''' || cidr
                    || ''' is no range of addresses; expected one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7'
                )::INTEGER
            ELSE net.bits
        END AS bits,
        net.digits AS digits
    FROM parsed
),

-- What the addresses of an entry begin with: whole digits, and each of those that a digit cut by the length may be.
beginnings AS (
    SELECT
        cidr,
        bits,
        left(digits, 1 + bits // 4) || unnest(
            CASE
                WHEN bits % 4 = 0 THEN ['']
                ELSE list_transform(
                    range(
                        cut_bits(('0x' || digits[2 + bits // 4])::INTEGER, 4 - bits % 4, false),
                        cut_bits(('0x' || digits[2 + bits // 4])::INTEGER, 4 - bits % 4, true) + 1
                    ),
                    lambda digit: format('{:x}', digit)
                )
            END
        ) AS beginning
    FROM entries
),

lengths AS (
    SELECT
        list(DISTINCT length(beginning)) FILTER (WHERE starts_with(beginning, '4')) AS of_ipv4,
        list(DISTINCT length(beginning)) FILTER (WHERE starts_with(beginning, '6')) AS of_ipv6
    FROM beginnings
),

-- Two columns alone, each read for itself.
addresses AS (
    SELECT srcaddr AS addr
    FROM flows
    WHERE in_window(flows.date, flows.start_time, since, until)
    UNION
    SELECT dstaddr
    FROM flows
    WHERE in_window(flows.date, flows.start_time, since, until)
),

keys AS (
    SELECT
        addr,
        ip_key(addr) AS "key"
    FROM addresses
),

begun AS (
    SELECT
        addr,
        unnest(
            list_transform(
                CASE WHEN starts_with("key", '4') THEN of_ipv4 ELSE of_ipv6 END,
                lambda digits: left("key", digits)
            )
        ) AS beginning
    FROM keys
    CROSS JOIN lengths
),

found AS MATERIALIZED (
    SELECT
        addr,
        arg_max(cidr, (bits, cidr)) AS cidr
    FROM begun
    INNER JOIN beginnings ON begun.beginning = beginnings.beginning
    GROUP BY addr
),

-- Few of the records are of an address that is listed.
pairs AS (
    SELECT
        srcaddr,
        dstaddr,
        count(*) AS flows,
        count(*) FILTER (WHERE upper(action) = 'ACCEPT') AS accepted,
        count(*) FILTER (WHERE upper(action) = 'REJECT') AS rejected,
        total(packets) AS packets,
        total(bytes) AS bytes,
        min(start_time) AS first_seen,
        max(start_time) AS last_seen
    FROM traffic('in_list', ['srcaddr', 'dstaddr'], since, until, interface_id) AS flows
    WHERE srcaddr IN (SELECT addr FROM found)
        OR dstaddr IN (SELECT addr FROM found)
    GROUP BY 1, 2
),

sides AS (
    SELECT
        cidr,
        addr,
        dstaddr AS peer,
        pairs.* EXCLUDE (srcaddr, dstaddr, bytes),
        bytes AS bytes_sent,
        NULL AS bytes_received
    FROM pairs
    INNER JOIN found ON srcaddr = addr
    UNION ALL
    SELECT
        cidr,
        addr,
        srcaddr,
        pairs.* EXCLUDE (srcaddr, dstaddr, bytes),
        NULL,
        bytes
    FROM pairs
    INNER JOIN found ON dstaddr = addr
)

SELECT
    cidr,
    addr,
    peer,
    total(sides.flows) AS flows,
    total(accepted) AS accepted,
    total(rejected) AS rejected,
    total(packets) AS packets,
    total(bytes_sent) AS bytes_sent,
    total(bytes_received) AS bytes_received,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM sides
GROUP BY cidr, addr, peer
ORDER BY 5 DESC, 4 DESC, addr, peer
LIMIT top;
