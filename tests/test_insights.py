"""Queries in the language of CloudWatch Logs Insights: what each command and function answers."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import flowdb
from flowdb.errors import DialectError, QueryError, UsageError
from flowdb.fields import FIELDS
from tests.conftest import HEADER, ROOT, Run, record, write_log

LOGS = [ROOT / "tests" / "data" / "real", ROOT / "tests" / "data" / "official"]
START = 1_705_312_800
FIVE = f"""\
{HEADER}
2 123456789012 eni-a 10.0.0.1 10.0.1.1 40000 443 6 10 1000 {START} {START + 30} ACCEPT OK
2 123456789012 eni-a 10.0.0.2 10.0.1.1 40001 443 6 20 3000 {START + 60} {START + 90} ACCEPT OK
2 123456789012 eni-b 10.0.0.10 192.0.2.7 40002 22 6 1 40 {START + 120} {START + 150} REJECT OK
2 123456789012 eni-b 2001:db8::5 2001:db8::6 5353 53 17 2 200 {START + 3600} {START + 3690} ACCEPT OK
2 123456789012 eni-c - - - - - - - {START + 7200} {START + 7260} - NODATA
"""
A, B, C, D, E = FIVE.splitlines()[1:]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[flowdb.FlowDB]:
    """Give a store of the logs that nobody here wrote."""
    with flowdb.open(tmp_path_factory.mktemp("real") / "flows") as db:
        db.ingest(*LOGS)
        yield db


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[flowdb.FlowDB]:
    """Give a store of five records."""
    folder = tmp_path_factory.mktemp("five")
    with flowdb.open(folder / "flows") as db:
        db.ingest(write_log(folder / "five.log", FIVE.splitlines()))
        yield db


def ask(db: flowdb.FlowDB, query: str, **options: Any) -> list[tuple[Any, ...]]:
    """Return the rows that a query of Logs Insights gives."""
    return db.sql(query, dialect="insights", **options).fetchall()


def at(seconds: int) -> datetime:
    """Return a time after the first of the five records."""
    return utc(START + seconds)


def utc(seconds: int) -> datetime:
    """Return a time in unix seconds as results have it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        (
            (
                "stats sum(packets) as packetsTransferred by srcAddr, dstAddr"
                " | sort packetsTransferred desc | limit 15"
            ),
            (
                "SELECT srcaddr, dstaddr, sum(packets) AS n FROM flows GROUP BY ALL"
                " ORDER BY n DESC NULLS LAST, srcaddr, dstaddr LIMIT 15"
            ),
        ),
        (
            (
                'filter isIpv4InSubnet(srcAddr, "10.255.0.0/16") | stats sum(bytes) as bytes by dstAddr'
                " | sort bytes desc | limit 15"
            ),
            (
                "SELECT dstaddr, sum(bytes) AS n FROM flows WHERE srcaddr LIKE '10.255.%' GROUP BY ALL"
                " ORDER BY n DESC NULLS LAST, dstaddr LIMIT 15"
            ),
        ),
        (
            "filter protocol=17 | stats count(*) by srcAddr",
            "SELECT srcaddr, count(*) FROM flows WHERE protocol = 17 GROUP BY ALL ORDER BY srcaddr",
        ),
        (
            'filter logStatus="SKIPDATA" | stats count(*) by bin(1h) as t | sort t',
            (
                "SELECT date_trunc('hour', start_time) AS t, count(*) FROM flows"
                " WHERE log_status = 'SKIPDATA' GROUP BY ALL ORDER BY t"
            ),
        ),
        (
            "stats avg(bytes), min(bytes), max(bytes) by srcAddr, dstAddr",
            (
                "SELECT srcaddr, dstaddr, avg(bytes), min(bytes), max(bytes) FROM flows"
                " GROUP BY ALL ORDER BY ALL NULLS LAST LIMIT 10000"
            ),
        ),
        (
            (
                'filter action="REJECT" | stats count(*) as numRejections by srcAddr'
                " | sort numRejections desc | limit 20"
            ),
            (
                "SELECT srcaddr, count(*) AS n FROM flows WHERE action = 'REJECT' GROUP BY ALL"
                " ORDER BY n DESC, srcaddr LIMIT 20"
            ),
        ),
    ],
)
def test_the_samples_of_aws_answer_what_sql_does(real: flowdb.FlowDB, query: str, sql: str) -> None:
    expected = real.sql(sql).fetchall()
    assert expected
    assert ask(real, query) == expected


def test_a_message_is_the_line_of_the_log(real: flowdb.FlowDB) -> None:
    lines: Counter[str] = Counter()
    names = {" ".join(row[0].split()) for row in real.sql("SELECT DISTINCT layout FROM sources").fetchall()}
    assert len(names) >= 5
    for place in LOGS:
        for path in place.rglob("*.log*"):
            lines.update(_records(path, names))
    assert real.sql("SELECT count(*) FROM flows").fetchall() == [(sum(lines.values()),)]
    assert Counter(row[0] for row in ask(real, "display @message", limit=False)) == lines


def _records(path: Path, headers: set[str]) -> list[str]:
    """Return the records of a log of VPC flows, one space between two fields."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return [] if "tgw-id" in text else [line for line in lines if line not in headers]


def test_without_fields_there_are_the_time_and_the_message_newest_first(five: flowdb.FlowDB) -> None:
    result = five.sql('filter action = "ACCEPT"', dialect="insights")
    assert result.columns == ["@timestamp", "@message"]
    assert result.fetchall() == [(at(3600), D), (at(60), B), (at(0), A)]


@pytest.mark.parametrize("name", [field.name for field in FIELDS])
def test_every_field_has_its_name_in_each_spelling(five: flowdb.FlowDB, name: str) -> None:
    first, *others = name.split("-")
    spelled = {
        f"`{name}`",
        name.replace("-", "_"),
        name.replace("-", ""),
        first + "".join(map(str.title, others)),
    }
    column = {"start": "start_time", "end": "end_time"}.get(name, name.replace("-", "_"))
    expected = five.sql(f'SELECT "{column}" FROM flows ORDER BY start_time DESC').fetchall()
    if name in ("start", "end"):
        expected = [(int((row[0] - datetime(1970, 1, 1)).total_seconds()),) for row in expected]
        spelled |= {f"{name}Time", f"{name}_time"}
    for spelling in spelled:
        assert ask(five, f"fields {spelling}") == expected, spelling


def test_a_field_that_aws_does_not_know_yet_is_there_too(db: flowdb.FlowDB, tmp_path: Path) -> None:
    names = "version interface-id start end cloud-cover"
    db.ingest(write_log(tmp_path / "a.log", [names, f"12 eni-a {START} {START + 9} high"]))
    assert ask(db, "fields cloudCover, @message") == [("high", f"12 eni-a {START} {START + 9} high")]


def test_a_tag_is_in_the_message_as_the_log_has_it(db: flowdb.FlowDB, tmp_path: Path) -> None:
    line = f"11 eni-a {START} {START + 9} my%2Dapp%20one"
    db.ingest(write_log(tmp_path / "a.log", ["version interface-id start end instance-tag", line]))
    assert ask(db, "fields instanceTag, @message") == [("my-app one", line)]


def test_the_fields_that_logs_insights_adds(five: flowdb.FlowDB) -> None:
    query = "fields @timestamp, @logStream, @log, ispresent(@ingestionTime) | sort start | limit 1"
    assert ask(five, query) == [(at(0), "eni-a-all", "123456789012:vpc-flow-logs", 1)]


def test_a_record_without_a_start_has_the_time_of_its_end(db: flowdb.FlowDB, tmp_path: Path) -> None:
    db.ingest(write_log(tmp_path / "a.log", ["version end bytes", f"2 {START} 7"]))
    assert ask(db, "fields @timestamp, start, end") == [(at(0), None, START)]


FILTERS = {
    'action = "REJECT"': "C",
    'action != "REJECT"': "ABD",
    'not action = "REJECT"': "ABDE",
    'action = "-"': "E",
    'action != "-"': "ABCD",
    "bytes > 200": "AB",
    "bytes >= 200 and bytes <= 1000": "AD",
    "bytes < 200 or bytes = 3000": "BC",
    "(bytes < 200 or bytes = 3000) and dstPort = 22": "C",
    "200 < bytes": "AB",
    'bytes = "1000"': "A",
    'bytes = "1e3"': "A",
    'bytes = "many"': "",
    'bytes != "many"': "ABCD",
    "accountId = 123456789012": "ABCDE",
    "accountId = 123456789013": "",
    'accountId = "123456789012"': "ABCDE",
    "interfaceId > 5": "ABCDE",
    "srcPort = 40000 + 1": "B",
    "dstPort in [22, 53]": "CD",
    'dstPort in ["22", 53, "x"]': "CD",
    "dstPort in []": "",
    "dstPort not in [22, 53]": "AB",
    'action in ["ACCEPT"]': "ABD",
    'not action in ["ACCEPT"]': "CE",
    'srcAddr like "10.0.0.1"': "AC",
    "srcAddr like '10.0.0.1'": "AC",
    "srcAddr like /^10.0.0.1$/": "A",
    r"srcAddr like /^10\.0\.0\.\d$/": "AB",
    "srcAddr =~ /:/": "D",
    'srcAddr =~ "db8"': "D",
    "srcAddr not like /:/": "ABC",
    "action like /(?i)reject/": "C",
    "action like /^(?i)reject$/": "C",
    'dstPort like "4"': "AB",
    "@message like /eni-b.*REJECT/": "C",
    'isIpv4InSubnet(srcAddr, "10.0.0.0/30")': "AB",
    'isIpv4InSubnet(dstAddr, "192.0.2.7")': "C",
    'isIpInSubnet(action, "0.0.0.0/0")': "",
    'isIpv6InSubnet(srcAddr, "2001:db8::/32")': "D",
    'isIpInSubnet(srcAddr, "2001:db8::/32") or isIpInSubnet(srcAddr, "10.0.0.8/29")': "CD",
    'not isIpv4InSubnet(srcAddr, "10.0.0.0/8")': "DE",
    'isIpv4InSubnet(srcAddr, "10.0.0.0/8") = 1': "ABC",
    "isValidIp(srcAddr)": "ABCD",
    "isValidIpV4(srcAddr)": "ABC",
    "isValidIpv6(srcAddr)": "D",
    "isPrivateIP(dstAddr)": "AB",
    "ispresent(srcAddr)": "ABCD",
    "not isPresent(srcAddr)": "E",
    "ispresent(vpcId)": "",
    "ispresent(nonsense)": "",
    "isempty(srcAddr)": "E",
    "isblank(srcAddr)": "E",
    "isempty(nonsense)": "ABCDE",
    "nonsense = 5": "",
    "nonsense != 5": "",
    "not nonsense = 5": "ABCDE",
    "nonsense": "",
    'strcontains(srcAddr, "db8")': "D",
    'strcontains(srcAddr, "db8") = 0': "ABCE",
    'startsWith(srcAddr, "10.") and endsWith(srcAddr, ".2")': "B",
    f"start = {START + 60}": "B",
    f"start != {START + 60}": "ACDE",
    f"start >= {START + 60} and end < {START + 151}": "BC",
    f"{START + 60} <= start and start <= {START + 60}": "B",
    f"start < {START + 60}": "A",
    f'start > "{START + 120}"': "DE",
    f"startTime > {START + 119}.5": "CDE",
    f"toMillis(@timestamp) > {START + 3599}000": "DE",
    f"@timestamp >= {START + 3600}000": "DE",
    '@timestamp < "2024-01-15T11:00:00Z"': "ABC",
    '@timestamp = "2024-01-15 10:01:00"': "B",
    "toMillis(@timestamp) < now() * 1000": "ABCDE",
    "end - start > 60": "D",
    "bytes / packets = 100 and true": "AD",
    "(action = 'ACCEPT') = true": "ABD",
    "1": "ABCDE",
    "bytes - 40": "ABD",
    "case(bytes > 500, dstPort = 443, bytes > 100, protocol = 17)": "ABD",
    "if(protocol = 17, dstPort, 0) = 53": "D",
    "action = toupper('accept')": "ABD",
    "srcAddr < dstAddr": "ABCD",
    "srcPort > dstPort": "ABCD",
    "isNumeric(bytes)": "ABCD",
    "!isPresent(srcAddr)": "E",
    "! (bytes = 40 or bytes = 200) and !ispresent(nonsense)": "ABE",
    "isPublicIP(dstAddr)": "",
    "isReservedIP(dstAddr)": "CD",
    "jsonArrayContains(concat('[', bytes, ',\"x\"]'), 1000)": "A",
    "jsonParse(concat('{\"a\":', bytes, '}')) = 40": "",
    "strcontains(action, 'eject', true)": "C",
    r"srcAddr like /^(10|2001)[.:]/": "ABCD",
    r"@message like /\/|OK/": "ABCD",
    "action = \"it's\" or action = 'it\\'s'": "",
}


@pytest.mark.parametrize("condition", FILTERS)
def test_filter_keeps_the_records_for_which_its_condition_holds(five: flowdb.FlowDB, condition: str) -> None:
    lines = dict(zip("ABCDE", (A, B, C, D, E), strict=True))
    expected = [(lines[name],) for name in FILTERS[condition]]
    assert ask(five, f"filter {condition} | display @message | sort start") == expected


@pytest.mark.parametrize("word", ["where", "FILTER", "Filter"])
def test_filter_has_another_name_and_any_case(five: flowdb.FlowDB, word: str) -> None:
    assert ask(five, f"{word} bytes = 40 AND Not bytes = 41 | DISPLAY bytes | LIMIT 1") == [(40,)]


VALUES = {
    "bytes + packets": 1010,
    "bytes - packets * 2": 980,
    "(bytes - packets) * 2": 1980,
    "bytes / 3": 1000 / 3,
    "bytes % 300": 100,
    "-bytes": -1000,
    "-2 ^ 2": -4.0,
    "2 ^ 3": 8.0,
    "2 ^ 3 ^ 2": 512.0,
    "10 % 3": 1,
    "10 - 4 - 3": 3,
    "7 / 2 * 2": 7.0,
    "bytes / 0": None,
    "bytes % 0": None,
    "9223372036854775807 * 3": 27_670_116_110_564_327_421,
    "1.5 + .5": 2.0,
    "1e3 + 1": 1001.0,
    "srcAddr + 1": None,
    '"5" + 1': 6.0,
    '"5.5" + 1': 6.5,
    "abs(packets - bytes)": 990,
    "ceil(bytes / 3)": 334,
    "floor(bytes / 3)": 333,
    "ceil(-0.5)": 0,
    "floor(bytes)": 1000,
    "round(bytes / 3)": 333,
    "round(bytes / 3, 2)": 333.33,
    "greatest(bytes, packets, 12)": 1000,
    "least(bytes, packets, 12.5)": 10.0,
    "log(1)": 0.0,
    "log(0)": None,
    "sqrt(bytes * 10)": 100.0,
    "sqrt(-1)": None,
    "strlen(srcAddr)": 8,
    'strlen("añ😀")': 3,
    "toupper('aé')": "AÉ",
    "tolower(action)": "accept",
    'substr("xyZfooxyZ", 3, 3)': "foo",
    'substr("xyZfooxyZ", 6)': "xyZ",
    'substr("abc", -1)': "abc",
    'substr("abc", 1, 1e12)': "bc",
    'trim("  x \t\n")': "x",
    'trim("xyZxyfooxyxyZ", "xyZ")': "foo",
    'ltrim("xyZxyfooxyZ", "xyZ")': "fooxyZ",
    'rtrim("xyZfooxyxyZ", "xyZ")': "xyZfoo",
    'ltrim(" a ")': "a ",
    'rtrim(" a ")': " a",
    'replace(srcAddr, ".", "-")': "10-0-0-1",
    'strcontains(srcAddr, "0.0")': 1,
    'strcontains(vpcId, "0.0")': 0,
    'concat(srcAddr, ":", srcPort)': "10.0.0.1:40000",
    "concat(vpcId, bytes)": "1000",
    "coalesce(vpcId, subnetId, srcAddr)": "10.0.0.1",
    "coalesce(vpcId, bytes)": "1000",
    "coalesce(nonsense, vpcId)": None,
    "coalesce(srcAddr, bytes)": "10.0.0.1",
    "isempty(vpcId)": 1,
    "isempty('')": 1,
    "isempty(' ')": 0,
    "isblank(' \t\n')": 1,
    "ispresent(srcAddr)": 1,
    "ispresent(vpcId)": 0,
    "bytes > 5": 1,
    "vpcId > 5": 0,
    "not vpcId > 5": 1,
    "bin(1h)": utc(START),
    "bin(7m)": utc(1_705_312_560),
    "bin(300s)": utc(START),
    "bin(1 Days)": datetime(2024, 1, 15),
    "bin(1w)": datetime(2024, 1, 15),
    "bin(2weeks)": datetime(2024, 1, 15),
    "bin(11w)": datetime(2023, 12, 18),
    "bin(1mo)": datetime(2024, 1, 1),
    "bin(1q)": datetime(2024, 1, 1),
    "bin(1year)": datetime(2024, 1, 1),
    "bin(5ms)": utc(START),
    "datefloor(@timestamp, 7min)": utc(1_705_312_560),
    "dateceil(@timestamp, 7mins)": utc(1_705_312_980),
    "dateceil(@timestamp, 1h)": utc(START),
    "dateceil(@timestamp, 1qtr)": datetime(2024, 4, 1),
    "dateceil(@timestamp, 1w)": datetime(2024, 1, 22),
    "datefloor(end * 1000, 1h)": utc(START),
    "datefloor(srcAddr, 1h)": None,
    "toMillis(@timestamp)": START * 1000,
    "fromMillis(start * 1000)": utc(START),
    "fromMillis(9e18)": None,
    "concat(@timestamp)": "2024-01-15 10:00:00.000",
    "toInt('12.7')": 12,
    "toNumber('12.5')": 12.5,
    "now()": 5,
    "case(bytes < 5, 'few', bytes < 5000, 'some', 'many')": "some",
    "case(bytes < 5, 'few')": None,
    "if(bytes > 5, bytes > 7, nonsense)": 1,
    "fromMillis(-62135596800000)": datetime(1, 1, 1),
    "datefloor(bytes, 1s)": datetime(1970, 1, 1, 0, 0, 1),
    "true": 1,
    "startTime": START,
    "isPublicIP('8.8.8.8')": 1,
    "isPublicIP('10.0.0.8')": 0,
    "isPublicIP('169.254.0.8')": 0,
    "isPublicIP('2600::1')": 1,
    "isPublicIP('fe80::1')": 0,
    "isPublicIP('8.8.8')": 0,
    "isReservedIP('::1')": 1,
    "isReservedIP('224.0.0.251')": 1,
    "isReservedIP('10.0.0.8')": 0,
    "ipv4ToNumber('192.0.2.7')": 3_221_225_991,
    "ipv4ToNumber('192.0.2')": None,
    "ipv4ToNumber('::1')": None,
    "strcontains(srcAddr, 'X', true)": 0,
    "strcontains('aXb', 'xB', bytes > 5)": 1,
    "strcontains('aXb', 'xB', bytes < 5)": 0,
    "messageSize('añ😀')": 7,
    "regexReplace(srcAddr, '[0-9]+', 'n')": "n.n.n.n",
    r"regexReplace(srcAddr, '(\d+)\.(?<x>\d+)', '$2-\1')": "0-10.1-0",
    "md5('a')": "0cc175b9c0f1b6a831c399e269772661",
    "sha256(vpcId)": None,
    "sha256('')": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "urlencode('a b/é')": "a%20b%2F%C3%A9",
    "urldecode('a%20b%2F%C3%A9')": "a b/é",
    "base64encode('é')": "w6k=",
    "base64decode('w6k=')": "é",
    "base64decode('!')": None,
    "hexToAscii('48656c6c6f')": "Hello",
    "hexToAscii('4x')": None,
    "hexToDec('0xff')": 255,
    "hexToDec('xyz')": None,
    "decToHex(255.9)": "0xff",
    "decToHex(-16)": "-0x10",
    "formatDate(@timestamp, '%Y-%m-%d %H')": "2024-01-15 10",
    "strftime(@timestamp, '%d %H', 'Asia/Tokyo')": "15 19",
    "formatDate(start * 1000, '%H')": "10",
    "parseDate('2024-01-15', 'yyyy-MM-dd')": 1_705_276_800_000,
    "parseDate('2024-01-15', 'yyyy-MM-dd', 'Asia/Tokyo')": 1_705_244_400_000,
    "parseDate('x', 'yyyy-MM-dd')": None,
    "jsonParse('{ \"a\" : [1, 2.50] }')": '{"a":[1,2.5]}',
    "jsonParse('[]')": "[]",
    "jsonParse('5')": None,
    "jsonParse('{')": None,
    "jsonParse(srcAddr)": None,
    "jsonParse(nonsense)": None,
    "jsonStringify(jsonParse('{ \"a\" : null }'))": '{"a":null}',
    "jsonStringify('{}')": None,
    "jsonArraySize('[1, [2, 3]]')": 2,
    "jsonArraySize('{\"a\": 1}')": None,
    "jsonArrayContains('[\"a\", 5]', 'a')": 1,
    "jsonArrayContains('[\"a\", 5]', 'A')": 0,
    "jsonArrayContains('x', 'x')": 0,
    "toupper(jsonParse('[]'))": None,
    "ispresent(jsonParse('[]'))": 1,
    "coalesce(jsonParse('5'), jsonParse('[7]'))": "[7]",
    "coalesce(jsonParse('5'), srcAddr)": "10.0.0.1",
    "jsonParse('[]') = '[]'": 0,
    "split(srcAddr, '.')": '["10","0","0","1"]',
    "nonsense": None,
    "`interface-id`": "eni-a",
    r"'it\'s'": "it's",
    r'"a\"b\\c\d"': 'a"b\\c\\d',
    '"; DROP TABLE flows; --"': "; DROP TABLE flows; --",
}


@pytest.mark.parametrize("expression", VALUES)
def test_an_expression_has_its_value(
    five: flowdb.FlowDB, expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 5.5)
    result = five.sql(f"fields {expression} as x | sort start | limit 1", dialect="insights")
    found = result.fetchall()[0][0]
    assert found == (pytest.approx(VALUES[expression]) if type(found) is float else VALUES[expression])
    assert type(found) is type(VALUES[expression])
    assert result.columns == ["x"]


STATS = {
    "count()": 5,
    "count(*)": 5,
    "count(srcAddr)": 4,
    "count(nonsense)": 0,
    "count_distinct(dstAddr)": 3,
    "sum(bytes)": 4240,
    "sum(bytes) / 1024": 4240 / 1024,
    "sum(bytes * packets)": 70_440,
    "sum(srcAddr)": None,
    "avg(bytes)": 1060.0,
    "min(bytes)": 40,
    "max(bytes)": 3000,
    "min(srcAddr)": "10.0.0.1",
    "max(srcAddr)": "2001:db8::5",
    "max(@timestamp)": utc(START + 7200),
    "max(bytes > 5)": 1,
    "max(nonsense)": None,
    "pct(bytes, 0)": 40.0,
    "pct(bytes, 50)": 600.0,
    "pct(bytes, 100)": 3000.0,
    "median(packets)": 6.0,
    "stddev(packets)": 8.80814017448254,
    "earliest(bytes)": 1000,
    "latest(bytes)": 200,
    "latest(logStatus)": "NODATA",
    "earliest(nonsense)": None,
    "sortsFirst(srcAddr)": "10.0.0.1",
    "sortsLast(srcPort)": 40_002,
    "max(strlen(srcAddr)) + count(*)": 16,
    "sum(ispresent(srcAddr))": 4,
    "count(*) > 4 and true": 1,
    "concat(count(*), '!')": "5!",
    "count_over_time(*)": 5,
    "count_over_time(srcAddr)": 4,
    "sum_over_time(bytes)": 4240,
    "values(interfaceId)": "eni-a, eni-b, eni-c",
    "values(nonsense)": None,
    "max(jsonParse('[1]'))": "[1]",
    "greatest(count(*), max(packets))": 20,
    "2 ^ count(*)": 32.0,
    "fromMillis(max(start) * 1000)": utc(START + 7200),
    "earliest('x')": "x",
    "latest(true)": 1,
    "max(5)": 5,
    "max('5')": "5",
    "sortsLast(ispresent(nonsense))": 0,
}


@pytest.mark.parametrize("expression", STATS)
def test_stats_computes_over_all_records(five: flowdb.FlowDB, expression: str) -> None:
    found = ask(five, f"stats {expression} as x")[0][0]
    assert found == (pytest.approx(STATS[expression]) if type(found) is float else STATS[expression])
    assert type(found) is type(STATS[expression])


MADE = """fields jsonParse(concat('{"n": ', bytes, ', "of": {"a.b": ["', action, '", {"x": true}]}}')) as j"""
QUERIES: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {
    f"{MADE} | stats count() by j.of.`a.b`[0] | sort j.of.`a.b`[0]": (
        ["j.of.`a.b`[0]", "count()"],
        [("ACCEPT", 3), ("REJECT", 1), (None, 1)],
    ),
    f"{MADE} | filter j.n > 100 and j.of.`a.b`[1].x = 1 | display j.n, j.of.`a.b`[1], j.m | sort j.n desc": (
        ["j.n", "j.of.`a.b`[1]", "j.m"],
        [("3000", '{"x":true}', None), ("1000", '{"x":true}', None), ("200", '{"x":true}', None)],
    ),
    f"{MADE} | fields j.of as o | fields o.`a.b` as l, l[0] as first | filter j.n = 40 | display l, first": (
        ["l", "first"],
        [('["REJECT",{"x":true}]', "REJECT")],
    ),
    f"{MADE} | stats sum(j.n), max(j.n), count(j) as n by j.of.`a.b`[1].x as x | sort x": (
        ["x", "sum(j.n)", "max(j.n)", "n"],
        [("1", 4240.0, "3000", 4), (None, None, None, 0)],
    ),
    f"{MADE} | sort bytes | dedup j.of.`a.b`[0] | display j.n": (["j.n"], [("40",), ("200",), (None,)]),
    f"{MADE} | parse j.of.`a.b`[0] '*CT' as a | filter j.n = 40 | display a": (["a"], [("REJE",)]),
    "fields split(srcAddr, '.') as part | filter part[3] = 2 | display part[0], jsonArraySize(part) as n": (
        ["part[0]", "n"],
        [("10", 4)],
    ),
    "stats count(*) by bin(1h) offset 30m": (
        ["bin(1h)", "count(*)"],
        [(utc(START + 5400), 1), (utc(START + 1800), 1), (utc(START - 1800), 3)],
    ),
    "count(*) as n by bin(1d) offset 10h | stats sum(n) by bin(1d)": (
        ["bin(1d)", "sum(n)"],
        [(utc(START), 5)],
    ),
    "stats count(*) by bin(1mo) offset 1d": (["bin(1mo)", "count(*)"], [(datetime(2024, 1, 2), 5)]),
    "fields bytes as offset | filter offset = 40": (["offset"], [(40,)]),
    "| count(*) by dstPort": (
        ["dstPort", "count(*)"],
        [(22, 1), (53, 1), (443, 2), (None, 1)],
    ),
    "stats count(*) , sum(bytes)/2 by action": (
        ["action", "count(*)", "sum(bytes)/2"],
        [("ACCEPT", 3, 2100.0), ("REJECT", 1, 20.0), (None, 1, None)],
    ),
    "stats count(*) by bin(1h)": (
        ["bin(1h)", "count(*)"],
        [(utc(START + 7200), 1), (utc(START + 3600), 1), (utc(START), 3)],
    ),
    "stats count(*) as n by action, interfaceId as eni | sort n desc, eni | limit 2": (
        ["action", "eni", "n"],
        [("ACCEPT", "eni-a", 2), ("ACCEPT", "eni-b", 1)],
    ),
    "stats count(*) by dstPort | sort count( * ) desc, dstPort desc": (
        ["dstPort", "count(*)"],
        [(443, 2), (53, 1), (22, 1), (None, 1)],
    ),
    "stats count(*) by bin(1h) | sort `count(*)` desc, bin(1h)": (
        ["bin(1h)", "count(*)"],
        [(utc(START), 3), (utc(START + 3600), 1), (utc(START + 7200), 1)],
    ),
    "stats sum(bytes) as b by dstPort, srcAddr | stats max(b) as most, count(*) as n by dstPort"
    " | filter n > 1 or most < 50": (
        ["dstPort", "most", "n"],
        [(22, 40, 1), (443, 3000, 2)],
    ),
    "STATS sum(bytes) AS b BY BIN(5m) as @t | STATS max(b) AS most BY dateceil(@t, 2h) as t": (
        ["t", "most"],
        [(utc(START + 7200), 200), (utc(START), 4040)],
    ),
    "stats sum(bytes) as b by @timestamp | stats sum(b) by bin(1h)": (
        ["bin(1h)", "sum(b)"],
        [(utc(START + 7200), None), (utc(START + 3600), 200), (utc(START), 4040)],
    ),
    "stats count(*) as n by dstAddr | fields n * 2 as m | filter ispresent(dstAddr) and m < 4": (
        ["dstAddr", "n", "m"],
        [("192.0.2.7", 1, 2), ("2001:db8::6", 1, 2)],
    ),
    "filter bytes > 99999 | stats count(*)": (["count(*)"], [(0,)]),
    "filter bytes > 99999 | stats count(*) by srcAddr": (["srcAddr", "count(*)"], []),
    "fields srcAddr | fields dstPort as port | filter port = 22": (["srcAddr", "port"], [("10.0.0.10", 22)]),
    "fields bytes as Bytes | filter Bytes = 40 | display Bytes, bytes, packets": (
        ["Bytes", "bytes", "packets"],
        [(40, 40, 1)],
    ),
    "fields bytes * 2 as bytes | filter bytes = 80": (["bytes"], [(80,)]),
    "fields packets as bytes | sort bytes | limit 1": (["bytes"], [(1,)]),
    "fields srcAddr as start_time | limit 2": (["start_time"], [(None,), ("2001:db8::5",)]),
    "display srcAddr | display dstPort | fields bytes | sort bytes | limit 2": (["dstPort"], [(22,), (53,)]),
    "fields srcAddr, srcAddr | sort srcAddr desc | limit 1": (["srcAddr"], [("2001:db8::5",)]),
    "fields 1 as x | sort 1 | sort nonsense | limit 1": (["x"], [(1,)]),
    "fields true | sort true, 'x', 1.5, now(), ispresent(nonsense), bytes > 99 desc, bytes | limit 1": (
        ["true"],
        [(1,)],
    ),
    "display bytes | sort bytes > 99, bytes": (["bytes"], [(40,), (None,), (200,), (1000,), (3000,)]),
    "stats count(*) by true, 'x', 5": (["true", "'x'", "5", "count(*)"], [(1, "x", 5, 5)]),
    "display bytes | sort -now(), isPrivateIP(dstAddr) desc, bytes | tail 2": (["bytes"], [(200,), (None,)]),
    "display bytes | sort isPrivateIP(dstAddr) desc, bytes | dedup dstPort": (
        ["bytes"],
        [(1000,), (40,), (200,), (None,)],
    ),
    "stats latest(-now() < 5), sortsLast(toNumber(5)) as b": (["latest(-now() < 5)", "b"], [(1, 5)]),
    "display bytes | sort start | dedup true": (["bytes"], [(1000,)]),
    "display srcAddr | sort srcAddr": (
        ["srcAddr"],
        [("10.0.0.1",), ("10.0.0.2",), ("10.0.0.10",), ("2001:db8::5",), (None,)],
    ),
    "display srcAddr | sort srcAddr desc": (
        ["srcAddr"],
        [("2001:db8::5",), ("10.0.0.10",), ("10.0.0.2",), ("10.0.0.1",), (None,)],
    ),
    "display dstPort, bytes | sort dstPort asc, bytes desc | limit 3": (
        ["dstPort", "bytes"],
        [(22, 40), (53, 200), (443, 3000)],
    ),
    "sort bytes | limit 2 | stats sum(bytes)": (["sum(bytes)"], [(240,)]),
    "display bytes | SORT BY bytes desc, srcAddr | limit 1": (["bytes"], [(3000,)]),
    "display bytes | sort bytes desc | head 1": (["bytes"], [(3000,)]),
    "display bytes | sort bytes | tail 3": (["bytes"], [(1000,), (3000,), (None,)]),
    "display bytes | limit any 1 | limit 5": (["bytes"], [(None,)]),
    "limit 0": (["@timestamp", "@message"], []),
    "display dstPort, bytes | dedup dstPort": (
        ["dstPort", "bytes"],
        [(None, None), (53, 200), (22, 40), (443, 3000)],
    ),
    "display dstPort, bytes | sort bytes | dedup dstPort": (
        ["dstPort", "bytes"],
        [(22, 40), (53, 200), (443, 1000), (None, None)],
    ),
    "display action, protocol | sort start | dedup action, protocol | limit 3": (
        ["action", "protocol"],
        [("ACCEPT", 6), ("REJECT", 6), ("ACCEPT", 17)],
    ),
    "display bytes | sort bytes | dedup nonsense | limit 1": (["bytes"], [(40,)]),
    'parse @message "* * eni-* *" as v, account, eni, rest | filter v = 2 and eni = "b"'
    " | display account, eni, rest | sort start desc | limit 1": (
        ["account", "eni", "rest"],
        [("123456789012", "b", D.split(" ", 3)[3])],
    ),
    'parse srcAddr "*.*.*.*" as a, b, c, d | display d | sort d': (
        ["d"],
        [("1",), ("2",), ("10",), (None,), (None,)],
    ),
    'parse srcAddr "10.*.*.1" as a, b | filter srcAddr like /1$/ | fields a, b': (["a", "b"], [("0", "0")]),
    "parse @message /(?<NetworkInterface>eni-.*?) / | stats count(*) by NetworkInterface": (
        ["NetworkInterface", "count(*)"],
        [("eni-a", 2), ("eni-b", 2), ("eni-c", 1)],
    ),
    r'parse @message "(?<a>\\d+) (?<@b>ACCEPT|REJECT)" | stats max(a) - 1705312830 as s by @b': (
        ["@b", "s"],
        [("ACCEPT", 3660.0), ("REJECT", 120.0), (None, None)],
    ),
    r"parse srcAddr /((?<x>\d+)\.[(](?<y>z))|(?<z>[^.\]]+$)/ | display x, y, z | sort start | limit 1": (
        ["x", "y", "z"],
        [("", "", "1")],
    ),
    f'parse @message "{" ".join("*" * 14)}" as {", ".join(f"f{n}" for n in range(14))}'
    ' | filter f12 = "REJECT" | display f3, f6, f13': (["f3", "f6", "f13"], [("10.0.0.10", "22", "OK")]),
    r"parse @message /^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (?<since>\S+)/"
    " | display since | sort since | limit 1": (["since"], [(str(START),)]),
    "fields srcAddr | parse dstAddr /(?<last>[0-9]+)$/ | limit 2": (
        ["srcAddr", "last"],
        [(None, None), ("2001:db8::5", "6")],
    ),
    'parse "REJECT *" as status | filter ispresent(status)': (
        ["@timestamp", "@message", "status"],
        [(utc(START + 120), C, "OK")],
    ),
    'parse srcAddr "10.0.0.*" as host | sort host desc | display host | limit 2': (
        ["host"],
        [("10",), ("2",)],
    ),
    'parse srcAddr "10.0.0.*" as host | stats max(host), sum(host), avg(host), count_distinct(host)': (
        ["max(host)", "sum(host)", "avg(host)", "count_distinct(host)"],
        [("10", 13.0, 13 / 3, 3)],
    ),
    "# a comment | with a bar\n  fields srcAddr # another\n\n| filter bytes = 40\n#| limit 0\n": (
        ["srcAddr"],
        [("10.0.0.10",)],
    ),
    "\u00a0|\u3000fields\u2003srcAddr\ufeff|\u200bfilter bytes\t=\r\n40|": (["srcAddr"], [("10.0.0.10",)]),
    'fields bytes as `a "b`, `a "b` * 2 | filter `a "b` = 40': (['a "b', '`a "b` * 2'], [(40, 80)]),
    "fields bytes as by, packets as as, protocol as limit | filter by = 40 | sort limit": (
        ["by", "as", "limit"],
        [(40, 1, 6)],
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers(five: flowdb.FlowDB, query: str) -> None:
    result = five.sql(query, dialect="insights")
    columns, rows = QUERIES[query]
    assert (result.columns, result.fetchall()) == (columns, rows)


def test_texts_sort_as_logs_insights_documents_it(db: flowdb.FlowDB, tmp_path: Path) -> None:
    documented = ["!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh"]
    ordered = [*documented, "0", "01", "1", "2", "3"]
    lines = [f"2 {text} {START}" for text in reversed(ordered)]
    db.ingest(write_log(tmp_path / "a.log", ["version interface-id start", *lines]))
    assert ask(db, "fields interfaceId | sort interfaceId") == [(text,) for text in ordered]
    assert ask(db, "fields interfaceId | sort interfaceId desc") == [(text,) for text in reversed(ordered)]
    assert ask(db, "stats sortsFirst(interfaceId), sortsLast(interfaceId)") == [("!:", "3")]


ERRORS = {
    "": "1:1 the query is empty",
    " \n ": "1:1 the query is empty",
    "pattern @message": "1:1 flowdb cannot run the command pattern",
    "fields a | unmask @message": "1:12 flowdb cannot run the command unmask",
    "fields a\n| filter b = 1\n| anomaly": "3:3 flowdb cannot run the command anomaly",
    "diff": "1:1 flowdb cannot run the command diff",
    "unnest x into y": "1:1 flowdb cannot run the command unnest",
    'SOURCE "x" | limit 3': "1:1 flowdb cannot run the command SOURCE",
    "feilds a": "1:1 there is no command feilds; expected one of dedup,",
    "SELECT * FROM flows": "1:1 there is no command SELECT; expected one of dedup,",
    "srcAddr": "1:1 there is no command srcAddr;",
    "fields a b": "1:10 unexpected b; expected as, a comma or | before the next command",
    "fields": "1:7 the query ends too early; expected a field, a value or a function",
    "fields a,": "1:10 the query ends too early; expected a field, a value or a function",
    "fields a as 5": "1:13 unexpected 5; expected a name",
    "fields a || limit 3": "1:11 unexpected |; expected a command,",
    "filter a == 3": "1:11 unexpected =; expected a field, a value or a function",
    'filter a = "x': '1:12 nothing closes this "',
    "filter a = `x": "1:12 nothing closes this `",
    "filter (a = 1": "1:14 the query ends too early; expected )",
    "filter a like b": "1:15 unexpected b; expected a text,",
    "filter a like": "1:14 the query ends too early; expected a text,",
    "filter a like /x": "1:15 unexpected /; expected a text,",
    'filter a in ["x"': "1:17 the query ends too early; expected ] or a comma",
    "filter srcAddr": "1:8 expected a condition",
    "filter bytes = 1 and @timestamp": "1:22 expected a condition",
    "filter foo(bytes)": "1:8 flowdb has no function foo()",
    "filter a = 1 or\n  haversine(b) = 2": "2:3 flowdb has no function haversine()",
    "fields srcAddr[0]": "1:8 srcAddr is no map and no list; jsonParse() makes one",
    "fields jsonParse('{}') as j, j[1.5]": "1:32 1.5 is no place; expected a whole number",
    "fields j[x]": "1:10 unexpected x; expected a number",
    "fields j.`x": "1:9 unexpected .;",
    "fields jsonParse()": "1:8 jsonParse() has 0 arguments; expected 1",
    "filter jsonParse('{}')": "1:8 expected a condition",
    "stats count(*) by srcAddr offset 1h": "1:34 offset is for what is grouped by bin()",
    "stats count(*) by bin(1h) offset x": "1:34 unexpected x; expected a length of time, such as 5m",
    "filter srcAddr in (1)": "1:19 unexpected (; expected a list, such as [22, 3389]",
    "fields formatDate(@timestamp, '%Q')": "1:31 no format that flowdb knows:",
    "fields formatDate(@timestamp, srcAddr)": "1:31 expected a format as a text",
    "fields formatDate(@timestamp, '%Y', 'Mars')": "1:37 there is no time zone Mars;",
    "fields parseDate(srcAddr, 'QQ')": "1:27 the format has QQ, which has no translation",
    "fields regexReplace(srcAddr, '(', '')": "1:30 no regular expression that flowdb knows: missing ):",
    "fields regexReplace(srcAddr, dstAddr, '')": "1:30 expected a regular expression as a text",
    "fields strcontains(srcAddr, 'A', @timestamp)": "1:34 expected true or false",
    "fields "
    + "dateceil(" * 30
    + "@timestamp"
    + ", 1h)" * 30: "1:215 the expression becomes too long; fields can compute it in steps",
    "fields strlen()": "1:8 strlen() has 0 arguments; expected 1",
    "fields strlen(a, b)": "1:8 strlen() has 2 arguments; expected 1",
    "fields substr(a)": "1:8 substr() has 1 arguments; expected 2 or 3",
    "fields concat()": "1:8 concat() has 0 arguments; expected 1 or more",
    "fields now(1)": "1:8 now() has 1 arguments; expected 0",
    "fields bin(5)": "1:12 expected a length of time, such as 5m",
    "fields bin(0m)": "1:12 0m is no length of time to cut by",
    "fields datefloor(@timestamp, a)": "1:30 expected a length of time, such as 5m",
    "fields datefloor(5m, 5m)": "1:18 a length of time is for bin(), datefloor() and dateceil() alone",
    "fields 5m": "1:8 a length of time is no value",
    "sort 5m": "1:6 a length of time is nothing to sort by",
    "filter bytes > 5m": "1:16 a length of time is for bin(),",
    "fields 5x": "1:8 unexpected 5x;",
    "fields 1e999": "1:8 the number is too large",
    "fields count(*)": "1:8 count() is for stats alone",
    "filter count(*) > 5": "1:8 count() is for stats alone",
    "fields strlen(*)": "1:15 * is for count(*) alone",
    "stats bytes": "1:7 bytes is neither grouped by nor in a function such as count() or max()",
    "stats sum(bytes), srcAddr by dstAddr": "1:19 srcAddr is neither grouped by",
    "stats sum(max(bytes))": "1:11 max() is for stats alone",
    "stats count(* by x": "1:15 unexpected by; expected )",
    "stats pct(bytes)": "1:7 pct() has 1 arguments; expected 2",
    "stats pct(bytes, 101)": "1:18 expected a number from 0 to 100",
    "stats pct(bytes, packets)": "1:18 expected a number from 0 to 100",
    "stats count(*) by": "1:18 the query ends too early; expected a field, a value or a function",
    "stats count(*) as n by srcAddr | filter bytes > 5": "1:41 after stats there is no bytes; there is",
    "stats count(*) | sort srcAddr": "1:23 after stats there is no srcAddr; there is count(*)",
    "stats count(*) by srcAddr | stats count(*) by bin(5m)": "1:47 after stats there is no @timestamp;",
    'filter isIpv4InSubnet(srcAddr, "10.0.0/8")': "1:32 10.0.0/8 is no range of addresses; expected",
    'filter isIpv4InSubnet(srcAddr, "::/0")': "1:32 ::/0 is no range of IPv4 addresses",
    "filter isIpInSubnet(srcAddr, dstAddr)": "1:30 expected a range as a text",
    "filter srcAddr like /(?=1)/": "1:21 no regular expression that flowdb knows: invalid perl operator: (?=",
    "filter srcAddr like /(/": "1:21 no regular expression that flowdb knows: missing ):",
    "parse @message": "1:15 the query ends too early; expected a text,",
    'parse @message "* *" as a': "1:16 2 * in the pattern, and 1 names after as",
    "parse @message /[0-9]+/": "1:16 the pattern names no group",
    "parse @message /(?<a>x/": "1:16 no regular expression that flowdb knows: missing ):",
    "limit x": "1:7 unexpected x; expected a number",
    "limit 1.5": "1:7 1.5 rows; expected a whole number",
    "limit 100001": "1:7 Logs Insights gives 100,000 rows at most; more are for --no-limit",
    "sort a desc limit 3": "1:13 unexpected limit; expected a comma or | before the next command",
    "fields a\n|\tfilter b ~ 1": "2:12 unexpected ~;",
    "fields " + "(" * 500 + "a" + ")" * 500: "1:108 parentheses are nested too deeply",
    "fields " + "- " * 3000 + "a": "1:1 the query is nested too deeply",
    "fields a\0b": "1:9 a null character",
}


@pytest.mark.parametrize("query", ERRORS)
def test_an_error_points_to_the_place(five: flowdb.FlowDB, query: str) -> None:
    with pytest.raises(DialectError) as caught:
        ask(five, query)
    error = caught.value
    assert f"{error.line}:{error.column} {error.reason}".startswith(ERRORS[query])
    assert str(error) == f"insights, line {error.line}, column {error.column}: {error.reason}"
    assert (error.dialect, error.query) == ("insights", query)
    assert isinstance(error, QueryError)
    shown, caret = error.picture.split("\n")
    place = caret.index("^")
    line = query.split("\n")[error.line - 1]
    assert line[error.column - 1 : error.column] in (shown[place : place + 1], "\0", "")
    assert len(shown) <= 100


def test_names_of_no_field_are_noted(five: flowdb.FlowDB) -> None:
    ask(
        five,
        "filter ispresent(srcPrt) | fields foo as b, b, @entity, bytes as c, c, dstport | sort foo, start",
    )
    assert five.notes == [f"no record has a field named {name}" for name in ("srcPrt", "foo", "@entity")]
    assert ask(five, "stats count(*)") == [(5,)]
    assert five.notes == []


def test_a_list_may_be_long(five: flowdb.FlowDB) -> None:
    ports = ", ".join(map(str, range(1000)))
    assert len(ask(five, f"filter dstPort in [{ports}]")) == 4
    wanted = " or ".join(f'srcAddr = "10.0.0.{n}"' for n in range(1000))
    assert len(ask(five, f"filter {wanted}")) == 3


def test_there_are_ten_thousand_rows_unless_more_are_asked_for(db: flowdb.FlowDB, tmp_path: Path) -> None:
    db.ingest(write_log(tmp_path / "a.log", [record(n, start=START + n) for n in range(10_007)]))
    assert len(ask(db, "fields srcPort")) == 10_000
    assert len(ask(db, "fields srcPort", limit=False)) == 10_007
    assert len(ask(db, "fields srcPort | limit 10005")) == 10_005
    assert len(ask(db, "fields srcPort | limit 200000", limit=False)) == 10_007
    assert ask(db, "limit 1 | stats count(*)") == [(1,)]
    assert ask(db, "stats count(*) by srcPort | stats count(*)") == [(10_007,)]
    assert len(ask(db, "stats count(*) by srcPort")) == 10_000


def test_a_limit_that_nobody_asked_for_is_noted(db: flowdb.FlowDB, run: Run, tmp_path: Path) -> None:
    cut = (
        "these are 10,000 rows of more, as Logs Insights gives them without a limit;"
        " --no-limit, in Python limit=False, gives all"
    )
    db.ingest(write_log(tmp_path / "a.log", [record(n, start=START + n) for n in range(10_001)]))
    all_but_one = f"filter start > {START}"
    notes = {
        "fields srcPort": [cut],
        f"{all_but_one} | fields srcPort, @ingestionTime": [],
        "fields srcPort | limit 10": [],
        "fields nonsense": ["no record has a field named nonsense", cut],
        "stats count(*) by srcPort": [cut],
        f"{all_but_one} | stats count(*) by srcPort": [],
        "stats count(*) by srcPort | stats count(*)": [],
        "limit 1 | stats count(*) by srcPort": [],
        "dedup srcPort": [cut],
        "display fromMillis(bytes ^ 300)": [cut],
    }
    found = {}
    for query in notes:
        db.sql(query, dialect="insights")
        found[query] = db.notes
    assert found == notes
    db.sql("fields srcPort", dialect="insights", limit=False)
    assert db.notes == []
    done = run("sql", "--dialect", "insights", "fields srcPort", "-o", "csv", "--store", str(db.path))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 10_001)
    assert done.stderr == f"flowdb: note: {cut}\n"
    done = run("sql", "--dialect", "insights", "fields srcPort", "--store", str(db.path))
    assert done.stderr.splitlines()[0] == f"flowdb: note: {cut}"
    done = run(
        "sql", "--dialect", "insights", f"{all_but_one} | fields x", "-o", "csv", "--store", str(db.path)
    )
    assert (done.returncode, done.stderr) == (0, "flowdb: note: no record has a field named x\n")


def test_a_pointer_is_that_of_its_record_whatever_becomes_of_the_files(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    query = "fields @ptr, @message | sort @message"
    for name in ("a", "b"):  # the same records twice, of two sources
        db.ingest(
            write_log(tmp_path / f"{name}.log", [*FIVE.splitlines(), *([f"# {name}"] if name == "b" else [])])
        )
    before = ask(db, query)
    assert len({pointer for pointer, _ in before}) == len(before) == 10
    db.compact()
    db.ingest(write_log(tmp_path / "c.log", [record(7)]))
    assert [row for row in ask(db, query) if row in before] == before
    pointer, message = before[3]
    assert ask(db, f'filter @ptr = "{pointer}" | display @message') == [(message,)]


def test_a_query_takes_no_params_and_a_dialect_is_a_known_one(five: flowdb.FlowDB) -> None:
    with pytest.raises(UsageError, match="takes no params"):
        five.sql("limit 1", [1], dialect="insights")
    with pytest.raises(UsageError, match="dialect is 'splunk'; expected one of: duckdb, athena"):
        five.sql("limit 1", dialect="splunk")


def test_a_sandbox_answers_too(five: flowdb.FlowDB) -> None:
    with flowdb.open(five.path, sandbox=True) as shut:
        query = 'filter @message like "REJECT" | fields @message, @ingestionTime'
        assert ask(shut, query) == ask(five, query)


def test_the_command_line_answers_and_points_to_mistakes(run: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "five.log", FIVE.splitlines())
    assert run("ingest", "five.log").returncode == 0
    done = run("sql", "--dialect", "insights", "stats count(*) as n by action", "-o", "csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "action,n\nACCEPT,3\nREJECT,1\n,1\n", "")
    done = run(
        "sql",
        "--dialect",
        "insights",
        "-",
        "--sandbox",
        "--no-limit",
        "-o",
        "tsv",
        input="display bytes|tail 1",
    )
    assert (done.returncode, done.stdout) == (0, "bytes\n1000\n")
    done = run("sql", "--dialect", "insights", "fields scrAddr, bytes | limit 1", "-o", "csv")
    assert (done.returncode, done.stdout) == (0, "scrAddr,bytes\n,\n")
    assert done.stderr == "flowdb: note: no record has a field named scrAddr\n"
    done = run("sql", "--dialect", "insights", "fields a\n|\tfilter x lik /a/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "flowdb: error: insights, line 2, column 12: unexpected lik; expected | before the next command\n"
        "| filter x lik /a/\n"
        "           ^\n"
    )
    assert run("sql", "--no-limit", "FROM flows").returncode == 2
    assert run("sql", "--dialect", "nonsense", "FROM flows").returncode == 2


def test_reading_a_query_does_not_load_the_parser_for_other_commands(run: Run, tmp_path: Path) -> None:
    code = "import sys, flowdb; flowdb.open('x'); sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_no_value_of_a_query_is_sql(five: flowdb.FlowDB) -> None:
    evil = "x' OR '1'='1"
    assert ask(five, f'filter srcAddr = "{evil}"') == []
    assert ask(five, f"filter srcAddr like /{re.escape(evil)}/") == []
    assert ask(five, f'fields bytes as `"; DROP VIEW flows; --` | limit 1') == [(None,)]  # noqa: F541
