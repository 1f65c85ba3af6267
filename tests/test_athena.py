"""Athena queries beside hand-written DuckDB SQL, functions beside Trino's own examples, and errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import DialectError, QueryError, UsageError
from tests.conftest import HEADER, ROOT, SAMPLES, Run, record, write_log

DATA = ROOT / "tests" / "data"
PATH_REGION = r"vpcflowlogs/([a-z0-9-]+)/"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of AWS's own examples, of real logs, and of the samples."""
    with flowdb.open(tmp_path_factory.mktemp("athena") / "store") as opened:
        opened.ingest(DATA / "official", DATA / "real", SAMPLES)
        yield opened


def asked(db: FlowDB, query: str) -> list[tuple[Any, ...]]:
    return db.sql(query, dialect="athena").fetchall()


def refused(db: FlowDB, query: str) -> DialectError:
    with pytest.raises(DialectError) as raised:
        db.sql(query, dialect="athena")
    return raised.value


# ---- the queries of the guide, and those that AWS publishes elsewhere

PAIRS = {
    "rows of a day": (
        (
            "SELECT * FROM vpc_flow_logs WHERE date = DATE('2024-01-15') ORDER BY start, srcaddr,"
            " srcport, dstport"
            " LIMIT 100"
        ),
        (
            "SELECT * FROM vpc_flow_logs WHERE date = DATE '2024-01-15' ORDER BY start, srcaddr,"
            " srcport, dstport"
            " LIMIT 100"
        ),
    ),
    "rejected TCP": (
        (
            "SELECT day_of_week(date) AS day, date, interface_id, srcaddr, action, protocol FROM"
            " vpc_flow_logs"
            " WHERE action = 'REJECT' AND protocol = 6 ORDER BY 2, 3, 4 LIMIT 100"
        ),
        (
            "SELECT isodow(date), date, interface_id, srcaddr, action, protocol FROM flows"
            " WHERE action = 'REJECT' AND protocol = 6 ORDER BY 2, 3, 4 LIMIT 100"
        ),
    ),
    "top receivers by packets": (
        (
            "SELECT SUM(packets) AS packetcount, dstaddr FROM vpc_flow_logs WHERE dstport = 443"
            " AND date > current_date - interval '36500' day GROUP BY dstaddr ORDER BY packetcount"
            " DESC, 2 LIMIT 10"
        ),
        (
            "SELECT sum(packets)::BIGINT, dstaddr FROM flows WHERE dstport = 443 GROUP BY dstaddr"
            " ORDER BY 1 DESC, 2 LIMIT 10"
        ),
    ),
    "top receivers in a week that is long ago": (
        (
            "SELECT SUM(packets) AS packetcount, dstaddr FROM vpc_flow_logs WHERE dstport = 443"
            " AND date > current_date - interval '7' day GROUP BY dstaddr ORDER BY packetcount DESC LIMIT 10"
        ),
        "SELECT 1, '' WHERE false",
    ),
    "days of a period, projected": (
        (
            "SELECT day, count(*) FROM vpc_flow_logs WHERE day >= '2021/02/01' AND day < '2024/01/15'"
            " GROUP BY day ORDER BY 1"
        ),
        (
            "SELECT strftime(date, '%Y/%m/%d'), count(*) FROM flows"
            " WHERE date >= '2021-02-01' AND date < '2024-01-15' GROUP BY 1 ORDER BY 1"
        ),
    ),
    "a period in ISO 8601": (
        (
            'SELECT to_iso8601(from_unixtime(start)) AS start_time, to_iso8601(from_unixtime("end"))'
            " AS end_time,"
            " srcaddr, dstaddr FROM vpc_flow_logs WHERE day >= '2024/01/15' ORDER BY 1, 2, 3, 4 LIMIT 50"
        ),
        (
            "SELECT strftime(start_time, '%Y-%m-%dT%H:%M:%S.000Z'), strftime(end_time,"
            " '%Y-%m-%dT%H:%M:%S.000Z'),"
            " srcaddr, dstaddr FROM flows WHERE date >= '2024-01-15' ORDER BY 1, 2, 3, 4 LIMIT 50"
        ),
    ),
    "one source": (
        (
            "SELECT interface_id, dstport, bytes FROM vpc_flow_logs WHERE srcaddr = '172.31.16.139'"
            " ORDER BY 1, 2"
        ),
        "SELECT interface_id, dstport, bytes FROM flows WHERE srcaddr = '172.31.16.139' ORDER BY 1, 2",
    ),
    "split_part": (
        (
            "SELECT srcaddr, count(*) FROM vpc_flow_logs WHERE split_part(srcaddr, '.', 1) = '10'"
            " AND split_part(srcaddr, '.', 2) = '0' GROUP BY 1 ORDER BY 2 DESC, 1"
        ),
        "SELECT srcaddr, count(*) FROM flows WHERE srcaddr LIKE '10.0.%' GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
    "a range of addresses": (
        (
            "SELECT count(*), sum(bytes) FROM vpc_flow_logs WHERE log_status = 'OK'"
            " AND contains('10.0.0.0/16', cast(srcaddr AS ipaddress))"
            " AND NOT contains('10.0.0.0/8', cast(dstaddr AS ipaddress))"
        ),
        (
            "SELECT count(*), sum(bytes)::BIGINT FROM flows WHERE log_status = 'OK'"
            " AND srcaddr LIKE '10.0.%' AND dstaddr NOT LIKE '10.%'"
        ),
    ),
    "between two addresses": (
        (
            "SELECT count(*) FROM vpc_flow_logs WHERE log_status = 'OK'"
            " AND cast(srcaddr AS ipaddress) BETWEEN ipaddress '10.0.0.0' AND ipaddress '10.0.255.255'"
        ),
        "SELECT count(*) FROM flows WHERE log_status = 'OK' AND srcaddr LIKE '10.0.%'",
    ),
    "first and last seen": (
        (
            'SELECT srcaddr, from_unixtime(min(start)), from_unixtime(max("end")), approx_distinct(dstaddr)'
            " FROM vpc_flow_logs WHERE dstport < 32768 GROUP BY srcaddr ORDER BY 1"
        ),
        (
            "SELECT srcaddr, min(start_time), max(end_time), count(DISTINCT dstaddr) FROM flows"
            " WHERE dstport < 32768 GROUP BY srcaddr ORDER BY 1"
        ),
    ),
    "partitions of Hive": (
        (
            'SELECT "aws-account-id", "aws-region", hour, sum(bytes) / count(*) FROM vpc_flow_logs'
            " WHERE year = '2024' AND month = '01' AND day = '15' AND \"aws-service\" = 'vpcflowlogs'"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        (
            "SELECT account_id, 'us-east-1', strftime(start_time, '%H'), sum(bytes) // count(*) FROM flows"
            " WHERE date = '2024-01-15' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
    ),
    "fields that are absent": (
        "SELECT count(*) FILTER (WHERE srcaddr = '-'), count_if(srcaddr <> '-'), count(*) FROM vpc_flow_logs",
        "SELECT count(*) FILTER (WHERE srcaddr IS NULL), count(srcaddr), count(*) FROM flows",
    ),
    "both directions": (
        (
            "WITH pairs AS (SELECT least(srcaddr, dstaddr) AS a, greatest(srcaddr, dstaddr) AS b,"
            " sum(bytes) AS bytes"
            " FROM vpc_flow_logs GROUP BY 1, 2) SELECT a, b, bytes, rank() OVER (ORDER BY bytes"
            " DESC) FROM pairs"
            " WHERE bytes IS NOT NULL ORDER BY bytes DESC, a, b LIMIT 15"
        ),
        (
            "WITH pairs AS (SELECT least(srcaddr, dstaddr) AS a, greatest(srcaddr, dstaddr) AS b,"
            " sum(bytes) AS bytes"
            " FROM flows GROUP BY 1, 2) SELECT a, b, bytes::BIGINT, rank() OVER (ORDER BY bytes"
            " DESC) FROM pairs"
            " WHERE bytes IS NOT NULL ORDER BY bytes DESC, a, b LIMIT 15"
        ),
    ),
    "real names": (
        "SELECT date_trunc('hour', start_time) AS hour, sum(bytes) FROM flows GROUP BY 1 ORDER BY 1",
        "SELECT date_trunc('hour', start_time) AS hour, sum(bytes)::BIGINT FROM flows GROUP BY 1 ORDER BY 1",
    ),
    "a database that nobody made": (
        "SELECT mydb.vpc_flow_logs.action, count(*) FROM mydb.vpc_flow_logs GROUP BY 1 ORDER BY 1",
        "SELECT action, count(*) FROM flows GROUP BY 1 ORDER BY 1",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_query_of_athena_gives_what_hand_written_sql_gives(name: str, db: FlowDB) -> None:
    athena, plain = PAIRS[name]
    expected = db.sql(plain).fetchall()
    assert asked(db, athena) == expected
    assert expected or "long ago" in name


@pytest.mark.parametrize("dialect", ["trino", "presto"])
def test_the_other_names_of_the_dialect_do_the_same(dialect: str, db: FlowDB) -> None:
    assert db.sql("SELECT day_of_week(DATE '2024-01-15')", dialect=dialect).fetchall() == [(1,)]


def test_region_is_that_of_the_record_or_else_of_the_path(db: FlowDB) -> None:
    expected = db.sql(
        f"SELECT coalesce(region, nullif(regexp_extract(uri, '{PATH_REGION}', 1), '')) AS r, count(*)"
        " FROM flows JOIN sources USING (source_id) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert asked(db, "SELECT region, count(*) FROM vpc_flow_logs GROUP BY region ORDER BY 1") == expected
    assert [region for region, _ in expected] == ["ap-southeast-2", "us-east-1", None]


@pytest.mark.parametrize(
    "where", ["date = DATE '2024-01-15'", "day = '2024/01/15'", "year = '2024' AND day = '15'"]
)
def test_dates_and_days_need_only_their_files(where: str, db: FlowDB) -> None:
    plan = asked(db, f"EXPLAIN SELECT sum(bytes) FROM vpc_flow_logs WHERE {where}")[0][1]
    files = db.sql("SELECT count(*) FROM files WHERE kind = 'flows'").fetchall()[0][0]
    # Files of each schema version are read on their own.
    scanned = sum(map(int, re.findall(r"Scanning Files: (\d+)/", plan)))
    assert 0 < scanned < files


def test_types_are_those_of_the_guide(db: FlowDB) -> None:
    relation = db.sql("SELECT version, protocol, bytes, start, srcaddr, date, day, hour FROM vpc_flow_logs")
    kinds = ["INTEGER", "BIGINT", "BIGINT", "BIGINT", "VARCHAR", "DATE", "VARCHAR", "VARCHAR"]
    assert [str(kind) for kind in relation.types] == kinds


def test_columns_without_a_name_have_athenas(db: FlowDB) -> None:
    assert db.sql("SELECT 1, 2 AS b, count(*) FROM flows", dialect="athena").columns == [
        "_col0",
        "b",
        "_col2",
    ]


# ---- functions: values from Trino's documentation, or plain from it

VALUES: list[tuple[str, Any]] = [
    ("1 / 2", 0),
    ("7 / 2 * 2", 6),
    ("-7 / 2", -3),
    ("7 / 2.0", 3.5),
    ("7 / CAST(2 AS double)", 3.5),
    ("5 % 3", 2),
    ("day_of_week(DATE '2024-01-14')", 7),
    ("day_of_month(DATE '2024-01-14')", 14),
    ("day_of_year(DATE '2024-02-01')", 32),
    ("week(DATE '2024-01-14')", 2),
    ("year_of_week(DATE '2021-01-01')", 2020),
    ("year(TIMESTAMP '2024-01-14 01:02:03')", 2024),
    ("hour(from_unixtime(3600))", 1),
    ("millisecond(TIMESTAMP '2024-01-14 01:02:03.456')", 456),
    ("extract(day_of_week FROM DATE '2024-01-14')", 7),
    ("date_parse('2024/01/15', '%Y/%m/%d')", datetime(2024, 1, 15)),
    ("date_parse('10:30', '%H:%i')", datetime(1970, 1, 1, 10, 30)),
    ("date_format(TIMESTAMP '2022-10-20 05:10:00', '%m-%d-%Y %H')", "10-20-2022 05"),
    ("date_format(from_unixtime(1705312800), '%Y-%m-%d %H:%i:%s %W %b')", "2024-01-15 10:00:00 Monday Jan"),
    ("parse_datetime('2024-01-15 10', 'yyyy-MM-dd HH')", datetime(2024, 1, 15, 10)),
    ("format_datetime(TIMESTAMP '2024-01-15 10:00:00', 'yyyy-MM-dd''T''HH:mm')", "2024-01-15T10:00"),
    ("format_datetime(from_unixtime(0), 'HH''%''Z ZZ ZZZ')", "00%+0000 +00:00 UTC"),
    ("from_unixtime(1705312800)", datetime(2024, 1, 15, 10)),
    ("from_unixtime(1705312800.5)", datetime(2024, 1, 15, 10, 0, 0, 500000)),
    ("from_unixtime(1705312800, 'America/New_York')", datetime(2024, 1, 15, 5)),
    ("from_unixtime(1705312800, 2, 30)", datetime(2024, 1, 15, 12, 30)),
    ("to_unixtime(TIMESTAMP '2024-01-15 10:00:00')", 1705312800.0),
    ("to_iso8601(DATE '2024-01-15')", "2024-01-15"),
    ("to_iso8601(from_unixtime(0))", "1970-01-01T00:00:00.000Z"),
    ("to_iso8601(TIMESTAMP '1970-01-01 00:00:00')", "1970-01-01T00:00:00.000"),
    ("from_iso8601_timestamp('2020-05-11T11:15:05+02:00')", datetime(2020, 5, 11, 9, 15, 5)),
    ("from_iso8601_timestamp('2020-05-11T11:15:05Z')", datetime(2020, 5, 11, 11, 15, 5)),
    ("from_iso8601_date('2020-05-11')", date(2020, 5, 11)),
    ("date_trunc('hour', TIMESTAMP '2022-10-20 05:10:00')", datetime(2022, 10, 20, 5)),
    ("date_add('second', 86, TIMESTAMP '2020-03-01 00:00:00')", datetime(2020, 3, 1, 0, 1, 26)),
    ("date_add('day', -1, DATE '2020-03-01')", date(2020, 2, 29)),
    ("date_add('month', 1, DATE '2020-01-31')", date(2020, 2, 29)),
    ("date_diff('second', TIMESTAMP '2020-03-01 00:00:00', TIMESTAMP '2020-03-02 00:00:00')", 86400),
    ("date_diff('hour', TIMESTAMP '2020-03-01 00:59:00', TIMESTAMP '2020-03-01 02:00:00')", 1),
    ("date_diff('day', DATE '2020-03-01', DATE '2020-02-28')", -2),
    ("DATE '2012-08-08' + INTERVAL '2' DAY", date(2012, 8, 10)),
    ("TIMESTAMP '2012-10-31 01:00' + INTERVAL '1' MONTH", datetime(2012, 11, 30, 1)),
    ("TIMESTAMP '2012-08-08 01:00' - INTERVAL '-3' HOUR", datetime(2012, 8, 8, 4)),
    ("DATE '2012-08-08' + INTERVAL '1-2' YEAR TO MONTH", date(2013, 10, 8)),
    ("TIMESTAMP '2012-10-31 01:00 UTC' AT TIME ZONE 'America/Los_Angeles'", datetime(2012, 10, 30, 18)),
    ("TIMESTAMP '2012-10-30 18:00 America/Los_Angeles'", datetime(2012, 10, 31, 1)),
    ("cast(TIMESTAMP '2012-10-30 18:00:00' AS varchar)", "2012-10-30 18:00:00.000"),
    ("last_day_of_month(DATE '2024-02-01')", date(2024, 2, 29)),
    ("split_part('a.b.c', '.', 2)", "b"),
    ("split_part('a.b.c', '.', 9)", None),
    ("split('a.b.c', '.')", ["a", "b", "c"]),
    ("strpos('high', 'ig')", 2),
    ("position('ig' IN 'high')", 2),
    ("substr('abc', -2)", "bc"),
    ("substr('abc', 0)", ""),
    ("substr('abc', 4)", ""),
    ("substr('abc', -4)", ""),
    ("substr('abc', 2, 9)", "bc"),
    ("substr('abc', -3, 1)", "a"),
    ("substr('abc', 2, -1)", ""),
    ("substring('abc' FROM 0 FOR 2)", ""),
    ("substr(CAST(NULL AS varchar), 0)", None),
    ("substring('abc' FROM 2 FOR 1)", "b"),
    ("upper(trim('  a '))", "A"),
    ("lpad('7', 3, '0')", "007"),
    ("length('abc')", 3),
    ("replace('a-b', '-')", "ab"),
    ("concat('a', 'b', 'c')", "abc"),
    ("concat('a', CAST(NULL AS varchar))", None),
    ("'a' || 'b'", "ab"),
    (
        "format('%s has %,d of %05d and %.1f%%', 'x', 1234567, 42, 99.95)",
        "x has 1,234,567 of 00042 and 100.0%",
    ),
    ("format('|%5s|%-5s|', 'a', 'b')", "|    a|b    |"),
    ("regexp_like('1a 2b 14m', '\\d+b')", True),
    ("regexp_extract('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "a"),
    ("regexp_extract('abc', '\\d')", None),
    ("regexp_replace('1a 2b 14m', '\\d+[ab] ')", "14m"),
    ("regexp_replace('1a 2b 14m', '(\\d+)([ab]) ', '3c$2 ')", "3ca 3cb 14m"),
    ("regexp_extract_all('1a 2b 14m', '\\d+')", ["1", "2", "14"]),
    ("element_at(ARRAY[1, 2, 3], -1)", 3),
    ("ARRAY[1, 2, 3][1]", 1),
    ("element_at(map(ARRAY['a'], ARRAY[1]), 'a')", 1),
    ("cardinality(ARRAY[1, 2])", 2),
    ("cardinality(map(ARRAY['a'], ARRAY[1]))", 1),
    ("array_join(ARRAY[1, NULL, 3], '-', '?')", "1-?-3"),
    ("array_join(ARRAY['a', 'b'], ',')", "a,b"),
    ("array_sort(ARRAY[3, NULL, 1])", [1, 3, None]),
    ("array_position(ARRAY[1, 2], 3)", 0),
    ("slice(ARRAY[1, 2, 3, 4], 2, 2)", [2, 3]),
    ("array_sort(array_distinct(ARRAY[2, NULL, 1, 2, NULL]))", [1, 2, None]),
    ("array_distinct(ARRAY[2, NULL, 1, 2, NULL])", [2, None, 1]),
    ("array_union(ARRAY[2, NULL], ARRAY[NULL, 1])", [2, None, 1]),
    ("array_except(ARRAY[1, 2, NULL, 1], ARRAY[2])", [1, None]),
    ("array_intersect(ARRAY[1, NULL, 2], ARRAY[NULL, 2])", [None, 2]),
    ("array_remove(ARRAY[1, NULL, 2], 2)", [1, None]),
    ("array_remove(ARRAY[1, 2], CAST(NULL AS integer))", None),
    ("array_max(ARRAY[1, 2])", 2),
    ("array_max(ARRAY[1, NULL])", None),
    ("array_min(ARRAY[1, NULL])", None),
    ("array_position(ARRAY[1, NULL], CAST(NULL AS integer))", None),
    ("array_position(ARRAY[NULL, 1], 1)", 2),
    ("contains(ARRAY[1, NULL], 1)", True),
    ("contains(ARRAY[1, NULL], 2)", None),
    ("arrays_overlap(ARRAY[1, NULL], ARRAY[1])", True),
    ("arrays_overlap(ARRAY[1, NULL], ARRAY[2])", None),
    ("arrays_overlap(ARRAY[1], ARRAY[2])", False),
    ("cardinality(ARRAY[1, NULL])", 2),
    ("any_match(ARRAY[1, NULL], x -> x > 1)", None),
    ("any_match(ARRAY[2, NULL], x -> x > 1)", True),
    ("all_match(ARRAY[2, NULL], x -> x > 1)", None),
    ("all_match(ARRAY[1, NULL], x -> x > 1 OR x > 2)", False),
    ("none_match(ARRAY[1, NULL], x -> x > 1)", None),
    ("none_match(ARRAY[1], x -> x > 1)", True),
    ("reverse(ARRAY[1, 2])", [2, 1]),
    ("sequence(1, 4)", [1, 2, 3, 4]),
    ("sequence(4, 1)", [4, 3, 2, 1]),
    ("sequence(5, 1, -2)", [5, 3, 1]),
    ("sequence(DATE '2024-01-02', DATE '2024-01-01')", [date(2024, 1, 2), date(2024, 1, 1)]),
    (
        "sequence(DATE '2024-01-01', DATE '2024-02-01', INTERVAL '1' MONTH)",
        [date(2024, 1, 1), date(2024, 2, 1)],
    ),
    ("transform(ARRAY[5, 6], x -> x + 1)", [6, 7]),
    ("filter(ARRAY[5, -6, 7], x -> x > 0)", [5, 7]),
    ("reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s)", 75),
    ("1 = ANY (VALUES 1, 2)", True),
    ("2 > ALL (SELECT 1)", True),
    ("2 <> SOME (SELECT 2)", False),
    ("1 = ALL (VALUES 1, NULL)", None),
    ("any_match(ARRAY[1, 2], x -> x > 1)", True),
    ("all_match(ARRAY[1, 2], x -> x > 1)", False),
    ("contains(ARRAY[1, 2], 2)", True),
    ("contains('10.0.0.0/8', CAST('10.255.255.255' AS ipaddress))", True),
    ("contains('2001:db8::/32', CAST('2001:db9::1' AS ipaddress))", False),
    ("CAST('9.0.0.1' AS ipaddress) < CAST('10.0.0.1' AS ipaddress)", True),
    ("CAST('2001:db8:0::1' AS ipaddress) = CAST('2001:db8::1' AS ipaddress)", True),
    ("TRY_CAST('none' AS ipaddress)", None),
    ("CAST(ip_prefix(CAST('192.168.255.255' AS ipaddress), 9) AS varchar)", "192.128.0.0/9"),
    ("ip_prefix('2001:db8:85a3:1:1:8a2e:370:7334', 48)", "2001:db8:85a3::/48"),
    ("ip_subnet_min('192.64.1.1/9')", "192.0.0.0"),
    ("ip_subnet_max('192.64.0.0/9')", "192.127.255.255"),
    ("ip_subnet_max('2001:db8:85a3:1:1:8a2e:370:7334/48')", "2001:db8:85a3:ffff:ffff:ffff:ffff:ffff"),
    ("is_subnet_of(IPPREFIX '192.168.0.1/24', IPADDRESS '192.168.0.17')", True),
    ("is_subnet_of(IPPREFIX '192.168.3.1/24', IPPREFIX '192.168.5.1/25')", False),
    ("if(1 > 2, 'a')", None),
    ("if(1 > 2, 'a', 'b')", "b"),
    ("try(1 / 0)", None),
    ("try_cast('x' AS integer)", None),
    ("try_cast('2.7' AS integer)", None),
    ("try(CAST('1e3' AS bigint))", None),
    ("CAST('-12' AS smallint)", -12),
    ("try(CAST('x' AS ipaddress))", None),
    ("CAST(1e7 AS varchar)", "1.0E7"),
    ("CAST(-123456789.5e0 AS varchar)", "-1.234567895E8"),
    ("CAST(1e-4 AS varchar)", "1.0E-4"),
    ("CAST(DOUBLE '0.1' AS varchar)", "0.1"),
    ("CAST(1e2 AS varchar)", "100.0"),
    ("CAST(0e0 AS varchar)", "0.0"),
    ("CAST(0.10 AS varchar)", "0.10"),
    ("CAST(infinity() AS varchar)", "Infinity"),
    ("CAST(nan() AS varchar)", "NaN"),
    ("coalesce(NULL, 1)", 1),
    ("nullif(1, 1)", None),
    ("greatest(1, 2)", 2),
    ("greatest(-1, 2)", 2),
    ("least(1, NULL)", None),
    ("greatest(1, CAST(NULL AS integer))", None),
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
    ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", None),
    ("bitwise_and(19, 2)", 2),
    ("bitwise_or(19, 4)", 23),
    ("bitwise_xor(19, 25)", 10),
    ("bitwise_not(19)", -20),
    ("bitwise_right_shift(16, 2)", 4),
    ("bit_count(-7, 64)", 62),
    ("bit_count(9, 8)", 2),
    ("to_base(255, 16)", "ff"),
    ("to_base(-35, 36)", "-z"),
    ("round(2.345, 1)", Decimal("2.3")),
    ("mod(7, 3)", 1),
    ("log(2, 8)", 3.0),
    ("width_bucket(3.0, 0, 10, 5)", 2),
    ("url_extract_host('https://user@example.com:8443/a/b?c=d&e=f%20g#h')", "example.com"),
    ("url_extract_port('https://user@example.com:8443/a')", 8443),
    ("url_extract_path('https://example.com/a/b?c')", "/a/b"),
    ("url_extract_parameter('https://example.com/?c=d&e=f%20g#h', 'e')", "f g"),
    ("url_decode(url_encode('a b'))", "a b"),
    ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    ("typeof(current_date - INTERVAL '7' DAY)", "DATE"),
    ("now() - from_unixtime(0) > INTERVAL '1' DAY", True),
    ("current_timestamp = now()", True),
]


@pytest.mark.parametrize(("expression", "value"), VALUES, ids=[expression for expression, _ in VALUES])
def test_a_function_gives_what_trino_says(expression: str, value: object, db: FlowDB) -> None:
    assert asked(db, f"SELECT {expression}") == [(value,)]


AGGREGATES: list[tuple[str, Any]] = [
    ("max_by(name, number)", "z"),
    ("min_by(name, number)", "x"),
    ("count_if(number > 1)", 2),
    ("bool_or(number > 2)", True),
    ("every(number > 2)", False),
    ("array_agg(name ORDER BY number DESC)", ["z", "y", "x"]),
    ("approx_distinct(name)", 3),
    ("approx_percentile(number, 0.5)", 2),
    ("approx_percentile(number, ARRAY[0.5, 1.0])", [2, 3]),
    ("map_agg(name, number)", {"x": 1, "y": 2, "z": 3}),
    ("map_agg(nullif(name, 'x'), number)", {"y": 2, "z": 3}),
    ("histogram(name)", {"x": 1, "y": 1, "z": 1}),
    ("listagg(name, ',') WITHIN GROUP (ORDER BY name DESC)", "z,y,x"),
    ("sum(number) / count(*)", 2),
    ("sum(number) FILTER (WHERE number > 1) / 2", 2),
    ("arbitrary(7)", 7),
    ("geometric_mean(2)", 2.0),
    ("bitwise_or_agg(number)", 3),
]


@pytest.mark.parametrize(
    ("expression", "value"), AGGREGATES, ids=[expression for expression, _ in AGGREGATES]
)
def test_an_aggregate_gives_what_trino_says(expression: str, value: object, db: FlowDB) -> None:
    query = f"SELECT {expression} FROM (VALUES ('x', 1), ('y', 2), ('z', 3)) AS t (name, number)"
    assert asked(db, query) == [(value,)]


def test_clauses_of_trino(db: FlowDB) -> None:
    rows = "(VALUES ('a', 1, ARRAY[1, 2]), ('b', 2, ARRAY[3])) AS t (k, n, xs)"
    assert asked(db, f"SELECT k, u.x FROM {rows} CROSS JOIN UNNEST(xs) AS u (x) ORDER BY 2") == [
        ("a", 1),
        ("a", 2),
        ("b", 3),
    ]
    assert asked(db, "SELECT x, i FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t (x, i)") == [
        ("a", 1),
        ("b", 2),
    ]
    assert asked(db, "SELECT * FROM UNNEST(ARRAY[1, 2], ARRAY['a']) WITH ORDINALITY AS t (x, y, n)") == [
        (1, "a", 1),
        (2, None, 2),
    ]
    several = "(VALUES (1, ARRAY[1, 2], ARRAY['p']), (2, ARRAY[], NULL)) AS t (k, xs, ys)"
    assert asked(
        db, f"SELECT k, x, y FROM {several} LEFT JOIN UNNEST(xs, ys) AS u (x, y) ON TRUE ORDER BY 1, 2"
    ) == [
        (1, 1, "p"),
        (1, 2, None),
        (2, None, None),
    ]
    mapped = "WITH h AS (SELECT histogram(k) AS m FROM (VALUES 'a', 'b', 'a') AS t (k))"
    assert asked(
        db, f"{mapped} SELECT k, v, n FROM h CROSS JOIN UNNEST(m) WITH ORDINALITY AS u (k, v, n)"
    ) == [
        ("a", 2, 1),
        ("b", 1, 2),
    ]
    zipped = "SELECT x, y FROM UNNEST(zip(ARRAY[1, 2], ARRAY['a', 'b'])) AS t (x, y)"
    assert asked(db, zipped) == [(1, "a"), (2, "b")]
    sets = f"SELECT k, sum(n) FROM {rows} GROUP BY GROUPING SETS ((k), ()) ORDER BY 1"
    assert asked(db, sets) == [("a", 1), ("b", 2), (None, 3)]
    assert asked(db, f"SELECT K FROM {rows} ORDER BY n OFFSET 1 FETCH FIRST 1 ROW ONLY") == [("b",)]
    assert asked(db, "SELECT n FROM (VALUES 2, NULL, 1) AS t (n) ORDER BY n DESC") == [(2,), (1,), (None,)]
    lagged = (
        "SELECT lag(n) IGNORE NULLS OVER (ORDER BY i) FROM (VALUES (1, 1), (NULL, 2), (3, 3)) AS t (n, i)"
    )
    assert asked(db, lagged) == [(None,), (1,), (1,)]
    assert asked(db, "VALUES (1, 'a'), (2, 'b')") == [(1, "a"), (2, "b")]
    assert asked(db, "WITH a AS (SELECT from_unixtime(0) AS t) SELECT to_iso8601(t) FROM a") == [
        ("1970-01-01T00:00:00.000Z",)
    ]


def test_addresses_have_their_own_order(db: FlowDB) -> None:
    rows = "(VALUES '10.0.0.1', '9.0.0.1', '100.0.0.1') AS t (x)"
    ordered = f"SELECT x FROM {rows} ORDER BY CAST(x AS ipaddress)"
    assert asked(db, ordered) == [("9.0.0.1",), ("10.0.0.1",), ("100.0.0.1",)]
    extremes = f"SELECT min(CAST(x AS ipaddress)), max(CAST(x AS ipaddress)) FROM {rows}"
    assert asked(db, extremes) == [("9.0.0.1", "100.0.0.1")]


def test_a_time_in_a_zone_is_the_same_moment(db: FlowDB) -> None:
    tokyo = "from_unixtime(0) AT TIME ZONE 'Asia/Tokyo'"
    assert asked(db, f"SELECT {tokyo} = from_unixtime(0), to_unixtime({tokyo}), hour({tokyo})") == [
        (True, 0, 9)
    ]
    assert asked(db, f"SELECT date_diff('hour', {tokyo}, from_unixtime(3600))") == [(1,)]
    assert asked(db, "SELECT from_unixtime(0, 'America/New_York') >= from_unixtime(0)") == [(True,)]


def test_day_is_the_day_of_the_month_beside_year_and_month(db: FlowDB) -> None:
    days = asked(db, "SELECT DISTINCT date FROM vpc_flow_logs ORDER BY 1")
    parts = asked(db, "SELECT DISTINCT year, month, day FROM vpc_flow_logs ORDER BY 1, 2, 3")
    assert parts == [tuple(str(day).split("-")) for (day,) in days]
    first = str(days[0][0])
    (count,) = asked(db, f"SELECT count(*) FROM vpc_flow_logs WHERE date = DATE '{first}'")
    joined = "year || '-' || month || '-' || day"
    assert asked(db, f"SELECT count(*) FROM vpc_flow_logs WHERE {joined} = '{first}'") == [count]
    whole = f"year = '{first[:4]}' AND month = '{first[5:7]}' AND day = '{first.replace('-', '/')}'"
    assert asked(db, f"SELECT count(*) FROM vpc_flow_logs WHERE {whole}") == [count]


def test_what_a_log_has_as_a_dash_is_asked_for_in_columns_of_the_log_alone(db: FlowDB) -> None:
    absent = asked(db, "SELECT count(*) FROM vpc_flow_logs WHERE srcaddr IS NULL")
    assert asked(db, "SELECT count(*) FROM vpc_flow_logs WHERE srcaddr = '-'") == absent
    cases = "CASE srcaddr WHEN '-' THEN 1 ELSE 0 END"
    assert asked(db, f"SELECT sum({cases}) FROM vpc_flow_logs") == absent
    assert asked(db, "SELECT n FROM (VALUES (1, 'a'), (2, NULL)) AS t (n, name) WHERE name = '-'") == []


def test_casts_round_and_cut_as_trinos_do(db: FlowDB) -> None:
    assert asked(db, "SELECT CAST(2.5e0 AS bigint), CAST(-2.5e0 AS integer)") == [(3, -3)]
    assert asked(db, "SELECT CAST(avg(n) AS bigint) FROM (VALUES 2, 3) AS t (n)") == [(3,)]
    assert asked(db, "SELECT CAST('hello' AS varchar(2)), CAST(DATE '2024-01-15' AS varchar)") == [
        ("he", "2024-01-15")
    ]
    assert asked(db, "SELECT CAST(date_trunc('month', DATE '2024-01-15') AS varchar)") == [("2024-01-01",)]


def test_aggregates_can_be_tried(db: FlowDB) -> None:
    query = (
        "SELECT try(sum(n) / count(*)), try(sum(n) / sum(0)), try(sum(n) / 0.0) FROM (VALUES 2, 4) AS t (n)"
    )
    assert asked(db, query) == [(3, None, None)]


@pytest.mark.parametrize("blank", list("\ufeff\u200b\u2060\u00a0\u3000"))
def test_what_a_paste_brings_along_unseen_is_space(db: FlowDB, blank: str) -> None:
    query = f"{blank}SELECT{blank}'a{blank}b' --{blank}it's\n, 2{blank};{blank}"
    assert asked(db, query) == [(f"a{blank}b", 2)]


# ---- what cannot be run


def test_a_function_without_a_translation_is_named_with_its_place(db: FlowDB) -> None:
    error = refused(db, "-- 注释\nSELECT srcaddr,\n  Approx_Set(dstaddr) FROM vpc_flow_logs")
    assert (error.line, error.column) == (3, 3)
    assert error.reason == "the function approx_set has no translation"
    assert str(error) == f"athena, line 3, column 3: {error.reason}"
    assert error.translation.endswith('FROM "vpc_flow_logs"')
    assert error.picture.startswith(
        "  Approx_Set(dstaddr) FROM vpc_flow_logs\n  ^\n\ntranslated so far:\nSELECT"
    )


@pytest.mark.parametrize(
    ("query", "place", "what"),
    [
        ("SELECT a b c FROM flows", (1, 12), "'c' was not expected here"),
        ("SELECT *\nFROM flows WHERE", (2, 12), "something is missing at 'WHERE'"),
        ("SELECT * FROM (SELECT 1", (1, 23), "expected ) at '1'"),
        ("SELECT 'abc\nFROM flows", (1, 8), "nothing ends what begins with '"),
        ("SELECT 1 /* a", (1, 10), "nothing ends what begins with /*"),
        ("SELECT * FROM flows FOR TIMESTAMP AS OF now()", (1, 15), "FOR TIMESTAMP AS OF"),
        ("SELECT day_of_week()", (1, 8), "day_of_week with 0 arguments"),
        ("SELECT date_format(start_time, '%U') FROM flows", (1, 8), "date_format: the format has %U"),
        ("SELECT date_format(start_time, action) FROM flows", (1, 8), "has to be written out"),
        (
            "SELECT 1,\n format_datetime(start_time AT TIME ZONE 'Asia/Tokyo', 'HH Z') FROM flows",
            (2, 2),
            "the format has Z, and the offset of a time AT TIME ZONE is not kept here",
        ),
        ("SELECT 1, extract(epoch FROM start_time) FROM flows", (1, 30), "the function epoch"),
        ("SELECT 1;\nSELECT srcadr FROM flows", (2, 8), "srcadr"),
        ("SELECT 1 FROM nowhere", (1, 15), "nowhere"),
        ("INSERT INTO flows SELECT 1", (1, 1), "INSERT changes what a store cannot change"),
        (
            "CREATE ROLE x",
            (1, 1),
            "CREATE makes an EXTERNAL TABLE, a VIEW or a TABLE of a query here",
        ),
        (
            "UNLOAD (SELECT 1) TO 's3://b/'",
            (1, 1),
            "UNLOAD changes what a store cannot change; ask its query",
        ),
        ("CREATE TABLE x (a int) TBLPROPERTIES ('table_type'='ICEBERG')", (1, 16), "expected AS and a query"),
        ("CREATE TABLE x AS SELECT 1 WITH NO DATA", (1, 28), "leave NO DATA out"),
        ("CREATE VIEW x AS\nSELECT 1, nope FROM flows", (2, 11), 'column "nope" not found'),
        ("CREATE VIEW x AS SELECT approx_set(1)", (1, 25), "the function approx_set has no translation"),
        ("CREATE VIEW x (a) AS SELECT 1", (1, 15), "expected AS and a query, not '('"),
        ("DROP VIEW nothing_there", (1, 11), "there is no view nothing_there"),
        (
            "CREATE EXTERNAL TABLE t (a int) STORED BY 'x'",
            (1, 33),
            "expected a clause of CREATE EXTERNAL TABLE",
        ),
        ("CREATE EXTERNAL TABLE t (a int) STORED AS FOO", (1, 43), "the format foo is not known here"),
        (
            "CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'a.B'",
            (1, 50),
            "the SerDe a.b is not known here",
        ),
        ("CREATE EXTERNAL TABLE t (a int)\nTBLPROPERTIES ('a'='b') AGAIN", (2, 25), "not 'AGAIN'"),
        ("GRANT SELECT ON flows TO x", (1, 1), "GRANT is not known here"),
        ("SELECT date_add('fortnight', 1, current_date)", (1, 8), "'fortnight' is no unit of time"),
        ("SELECT 1 FROM UNNEST(multimap_agg(1, 2)) AS t (k, v)", (1, 22), "multimap_agg"),
        ("SELECT n FROM t FETCH FIRST 2 ROWS WITH TIES", (1, 29), "WITH TIES cannot be translated"),
        ("SELECT " + "NOT " * 5000 + "true", (1, 1), "this is nested too deeply"),
        ("CREATE EXTERNAL TABLE t (a decimal(50,2))", (1, 28), "a decimal has 1 to 38 digits"),
        ("ALTER TABLE vpc_flow_logs RENAME TO x", (1, 27), "ALTER TABLE RENAME is not done here"),
        ("DESCRIBE nothing_there", (1, 10), "there is no table nothing_there"),
        ("CREATE EXTERNAL TABLE t (a array<int>)", (1, 28), "expected one of the types"),
        ("CREATE EXTERNAL TABLE t (a int, b", (1, 34), "expected a name at the end"),
        ("CREATE EXTERNAL TABLE t (a int, A string)", (1, 1), "there are two columns a"),
        ("CREATE EXTERNAL TABLE main.t (a int)", (1, 23), "a database cannot be called main"),
    ],
)
def test_an_error_says_what_and_where(query: str, place: tuple[int, int], what: str, db: FlowDB) -> None:
    error = refused(db, query)
    assert what in str(error)
    assert (error.line, error.column) == place


def test_an_empty_query_and_an_unknown_dialect_are_refused(db: FlowDB) -> None:
    with pytest.raises(QueryError, match="empty"):
        db.sql("-- nothing", dialect="athena")
    with pytest.raises(UsageError, match="dialect is 'oracle'"):
        db.sql("SELECT 1", dialect="oracle")
    with pytest.raises(UsageError, match="a query is a text, not NoneType"):
        db.sql(None, dialect="athena")  # type: ignore[arg-type]


def test_a_query_may_be_nested(db: FlowDB) -> None:
    assert asked(db, f"SELECT {'(' * 80}1{')' * 80}") == [(1,)]
    assert asked(db, "SHOW TABLES '('") == []


def test_several_results_are_no_file_of_parquet(db: FlowDB, run: Run) -> None:
    done = run(
        "sql", "--dialect", "athena", "--store", str(db.path), "-o", "parquet", "SELECT 1 AS a; SELECT 2"
    )
    assert done.returncode == 2
    assert done.stderr == "flowdb: error: a file of parquet has one result; give the statements one by one\n"


def test_a_sandbox_declares_nothing(db: FlowDB) -> None:
    with flowdb.open(db.path, sandbox=True) as guarded:
        assert guarded.sql("SELECT count(*) FROM vpc_flow_logs", dialect="athena").fetchall()[0][0] > 0
        with pytest.raises(DialectError, match="a sandbox declares no tables"):
            guarded.sql("CREATE EXTERNAL TABLE t (a int)", dialect="athena")


# ---- the command line


def test_each_statement_of_a_text_is_answered(db: FlowDB, run: Run) -> None:
    text = (
        "SELECT 1 AS a; -- 一\nSELECT from_unixtime(0), TIMESTAMP '2024-01-15 10:00:00'; /* zwei;"
        " */ SELECT 'x;y' AS b;"
    )
    done = run("sql", "--dialect", "athena", "--store", str(db.path), "-o", "csv", text)
    assert done.stdout == ("a\n1\n_col0,_col1\n1970-01-01 00:00:00.000 UTC,2024-01-15 10:00:00.000\nb\nx;y\n")


def test_the_command_line_shows_the_place(db: FlowDB, run: Run) -> None:
    done = run("sql", "--dialect", "athena", "--store", str(db.path), "SELECT 1,\n\tfoo(2)")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "flowdb: error: athena, line 2, column 2: the function foo has no translation\n"
        ' foo(2)\n ^\n\ntranslated so far:\nSELECT\n  1 AS "_col0",\n  foo(2) AS "_col1"\n'
    )


def test_plain_commands_do_not_load_the_translator(run: Run, tmp_path: Any) -> None:
    write_log(tmp_path / "a.log", [HEADER, record()])
    code = (
        "import sys, flowdb; db = flowdb.open('s'); db.ingest('a.log'); db.sql('FROM"
        " vpc_flow_logs').fetchall();"
        " print('sqlglot' in sys.modules)"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "False\n"
