"""Whatever way a block takes through the parser, at once, tidied or line by line, it reads the same."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

import flowdb
from flowdb import tags
from flowdb.fields import BY_NAME, FIELDS, TGW_FIELDS, Kind
from flowdb.layouts import TGW_DEFAULT
from tests import reference
from tests.conftest import HEADER, record, write_log
from tests.parsed import Parsed, parsed
from tests.reference import Record, Value

pytestmark = pytest.mark.usefixtures("way_of_reading")

LINE, SECOND_LINE = record(0), record(1)
RECORD: Record = {
    "version": 2,
    "account_id": "123456789012",
    "interface_id": "eni-0123456789abcdef0",
    "srcaddr": "10.0.0.1",
    "dstaddr": "10.0.1.1",
    "srcport": 40_000,
    "dstport": 443,
    "protocol": 6,
    "packets": 1,
    "bytes": 100,
    "start_time": datetime(2024, 1, 15, 10),
    "end_time": datetime(2024, 1, 15, 10, 0, 30),
    "action": "ACCEPT",
    "log_status": "OK",
}
SECOND: Record = RECORD | {"srcport": 40_001}
BOM = "\ufeff"


def joined(*lines: str) -> bytes:
    """Return a log of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def line_with(name: str, value: str) -> str:
    """Return the first record with one field spelled otherwise."""
    tokens = LINE.split()
    tokens[reference.DEFAULT.index(name)] = value
    return " ".join(tokens)


def test_the_registry_has_the_fields_of_the_user_guide_in_its_order() -> None:
    assert tuple(one.name for one in FIELDS) == reference.NAMES
    assert [one.name for one in FIELDS if one.kind is Kind.TIME] == list(reference.TIMES)
    assert tuple(one.name for one in FIELDS if one.kind is Kind.TAG) == reference.TAGS
    assert {one.name: one.kind.largest for one in BY_NAME.values() if not one.kind.is_text} == {
        **reference.LARGEST,
        **dict.fromkeys(reference.TIMES, reference.LARGEST_SECONDS),
    }
    counts = {version: sum(one.version <= version for one in FIELDS) for version in range(2, 12)}
    assert counts == {2: 14, 3: 21, 4: 25, 5: 29, 6: 29, 7: 39, 8: 40, 9: 41, 10: 42, 11: 54}


def test_the_registry_has_the_fields_of_transit_gateways_in_their_order() -> None:
    assert tuple(one.name for one in TGW_FIELDS) == TGW_DEFAULT.names == reference.TGW_NAMES
    shared = {one.name: (one.kind, one.version) for one in FIELDS}
    assert [one.name for one in TGW_FIELDS if one.version == 6] == [
        name for name in reference.TGW_NAMES if name not in reference.NAMES
    ]
    for one in TGW_FIELDS:
        assert shared.get(one.name, (one.kind, 6)) == (one.kind, one.version)


@pytest.mark.parametrize("size", [64, 300, 8 << 20])
@pytest.mark.parametrize(
    ("data", "passed"),
    [
        (joined("", "", HEADER, LINE, SECOND_LINE), 3),
        (joined(HEADER, LINE, "   ", SECOND_LINE, " \r"), 3),
        (joined(HEADER, LINE, SECOND_LINE).replace(b"\n", b"\r\n")[:-2], 1),
        (joined(HEADER, LINE, SECOND_LINE).replace(b"\n", b"\r\r\n"), 1),
        (joined(HEADER, "", LINE, SECOND_LINE).replace(b"\n", b"\r\n"), 2),
        (joined(HEADER, LINE, SECOND_LINE).replace(b" ", b"  "), 1),
        (joined(HEADER, LINE, SECOND_LINE).replace(b"\n", b" \r\n"), 1),
        (joined(f"  {HEADER}", f" {LINE}", f"  {SECOND_LINE}"), 1),
        (joined(HEADER, LINE, SECOND_LINE.replace(" 443 ", "     443   ")), 1),
        (joined(BOM + HEADER, BOM + LINE, BOM + HEADER, BOM + SECOND_LINE), 2),
        (joined(HEADER, HEADER, HEADER, LINE, HEADER, HEADER, SECOND_LINE, HEADER), 6),
        (joined(HEADER.upper(), "", LINE, SECOND_LINE), 2),
        (joined(*[""] * 100, HEADER.upper(), LINE, SECOND_LINE), 101),
        (joined(f" {BOM} {BOM}{HEADER}", LINE, f"{BOM} {BOM} {HEADER}", f"{BOM}  {SECOND_LINE}"), 2),
        (joined(HEADER.replace(" ", " " * 500), LINE, SECOND_LINE), 1),
        (joined(HEADER.replace("-", "_"), LINE, HEADER, SECOND_LINE), 2),
    ],
    ids=[
        "blank lines first", "lines of spaces", "CRLF and no final newline", "two carriage returns",
        "CRLF and blank lines", "two spaces everywhere", "a trailing space and CRLF", "leading spaces",
        "runs of spaces in one line", "byte-order marks before several lines",
        "the header again and again", "an upper-case header and a blank line", "a hundred blank lines",
        "byte-order marks and spaces", "a header of over 4,096 bytes",
        "a header with underscores, and with hyphens",
    ],
)  # fmt: skip
def test_a_log_however_it_is_spaced_has_its_records(data: bytes, passed: int, size: int) -> None:
    assert parsed(data, size) == Parsed([RECORD, SECOND], passed=passed, lines=passed + 2)


@pytest.mark.parametrize(
    "company", [[], ["  "], ["two fields"]], ids=["records alone", "a blank line", "a bad line"]
)
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("start", "1705312800123", datetime(2024, 1, 15, 10, 0, 0, 123_000)),
        ("start", "253402300799", datetime(9999, 12, 31, 23, 59, 59)),
        ("start", "253402300800", datetime(1978, 1, 11, 21, 31, 40, 800_000)),
        ("end", "253402300799999", datetime(9999, 12, 31, 23, 59, 59, 999_000)),
        ("start", "0", datetime(1970, 1, 1)),
        ("start", "-", None),
        ("account-id", "001234567890", "001234567890"),
        ("account-id", "a,b\\n;'\"", "a,b\\n;'\""),
        ("account-id", "--", "--"),
        ("account-id", "NULL", "NULL"),
        ("interface-id", "-", None),
        ("interface-id", "é" * 2048, "é" * 2048),
        ("srcaddr", "0x10", "0x10"),
        ("dstaddr", "名前", "名前"),
        ("protocol", "255", 255),
        ("srcport", "65535", 65_535),
        ("bytes", "9223372036854775807", 2**63 - 1),
        ("bytes", "00000000000000000000000100", 100),
        ("bytes", "0" * 5000 + "100", 100),
    ],
)
def test_an_odd_value_is_kept_whatever_stands_beside_it(
    name: str, text: str, value: Value, company: list[str]
) -> None:
    found = parsed(joined(HEADER, line_with(name, text), *company, SECOND_LINE))
    assert found.records == [RECORD | {reference.column(name): value}, SECOND]
    assert found.bad == ([(3, "2 fields, the layout has 14")] if company == ["two fields"] else [])


NO_COUNT = f"not a number from 0 to {2**63 - 1}"
TOO_LONG = "the line is too long"
NO_TIME = "not a time in seconds or milliseconds"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (line_with("bytes", str(2**64 + 100)), f"bytes is '{2**64 + 100}', {NO_COUNT}"),
        (line_with("start", "253402300800000"), f"start is '253402300800000', {NO_TIME}"),
        (line_with("end", "-5"), f"end is '-5', {NO_TIME}"),
        (line_with("bytes", "-0"), f"bytes is '-0', {NO_COUNT}"),
        (line_with("srcport", "-00"), "srcport is '-00', not a number from 0 to 65535"),
        (line_with("version", "0X2"), "version is '0X2', not a number from 0 to 255"),
        (line_with("srcport", "1_000"), "srcport is '1_000', not a number from 0 to 65535"),
        (line_with("srcport", "\u0662"), "srcport is '\u0662', not a number from 0 to 65535"),
        (line_with("interface-id", "é" * 2049), "interface-id has 4,098 bytes, more than 4,096"),
        (LINE.replace(" ", "\t"), "a control character: 0x09"),
        (f"{LINE}\r{LINE}", "a control character: 0x0d"),
        (f"{LINE}\r{LINE}\n", "a control character: 0x0d"),
    ],
)
def test_a_bad_line_has_its_reason_whatever_stands_beside_it(line: str, reason: str) -> None:
    for before in ([LINE], [LINE, ""], [LINE, "", "bad", SECOND_LINE]):
        found = parsed(joined(HEADER, *before, line, SECOND_LINE))
        assert found.bad[-1] == (len(before) + 2, reason)
        assert len(found.records) == sum(one in (LINE, SECOND_LINE) for one in before) + 1


@pytest.mark.parametrize("company", [[], ["  "], ["bad"]], ids=["alone", "a blank line", "a bad line"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my%2Dapp", "my-app"),
        ("my%2dapp%20%28old%29", "my-app (old)"),
        ("%F0%9F%A6%86", "\N{DUCK}"),
        ("caf%C3%A9", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("名%E5%89%8D", "名前"),
        ("%2D", "-"),
        ("%252D", "%2D"),
        ("a+b", "a+b"),
        ("a%00b%0Ac%1B", "a\0b\nc\x1b"),
        ("100%", "100%"),
        ("%2D%", "%2D%"),
        ("%2D%4", "%2D%4"),
        ("%2D%zz", "%2D%zz"),
        ("%+41", "%+41"),
        ("%2D%FF", "%2D%FF"),
        ("%2D%ED%A0%80", "%2D%ED%A0%80"),
        ("%C3", "%C3"),
        ("%41" * 1365, "A" * 1365),
        ("-", None),
    ],
)
def test_a_tag_is_decoded_whatever_stands_beside_it(text: str, value: Value, company: list[str]) -> None:
    def each(one: str) -> str:
        return " ".join([one] * len(reference.TAGS))

    names, texts = " ".join(reference.TAGS), each(text)
    lines = [f"%41 {texts} 1", *company, f"%41 {each('plain')} 2", f"- {texts} 3"]
    columns = [reference.column(name) for name in reference.TAGS]
    assert parsed(joined(f"srcaddr {names} bytes", *lines)).records == [
        {"srcaddr": "%41", **dict.fromkeys(columns, value), "bytes": 1},
        {"srcaddr": "%41", **dict.fromkeys(columns, "plain"), "bytes": 2},
        {"srcaddr": None, **dict.fromkeys(columns, value), "bytes": 3},
    ]


def test_no_tag_is_decoded_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    plain = tags._decoded

    def decoded(value: str) -> str:
        asked.append(value)
        return plain(value)

    monkeypatch.setattr(tags, "_decoded", decoded)
    lines = [f"10.0.0.1 {'a%20b' if n % 7 else 'plain'}" for n in range(10_000)]
    assert len(parsed(joined("srcaddr instance-tag", *lines)).records) == 10_000
    assert asked == ["a%20b"]
    assert len(parsed(joined("srcaddr instance-tag", *["10.0.0.1 plain"] * 100)).records) == 100
    assert asked == ["a%20b"]


TGW_LINE = (
    "6 TransitGateway 001234567890 tgw-1 tgw-attach-1 111111111111 222222222222 vpc-1 vpc-2 subnet-1 subnet-2"
    " eni-1 eni-2 use1-az1 use1-az2 tgw-attach-2 2001:db8::1 2001:db8::2 40000 443 6 10 1000 1705312800"
    " 1705312860 OK IPv6 1 2 3 4 19 us-east-1 ingress - S3"
)


@pytest.mark.parametrize("company", [[], ["  "], ["bad"]], ids=["alone", "a blank line", "a bad line"])
def test_a_record_of_a_transit_gateway_has_all_its_fields(company: list[str]) -> None:
    numbers = ("version", "srcport", "dstport", "protocol", "packets", "bytes", "tcp-flags")
    expected: Record = {
        reference.column(name): int(value) if name in numbers or name.startswith("packets-lost") else value
        for name, value in zip(reference.TGW_NAMES, TGW_LINE.split(), strict=True)
    }
    expected |= {
        "start_time": datetime(2024, 1, 15, 10),
        "end_time": datetime(2024, 1, 15, 10, 1),
        "pkt_src_aws_service": None,
    }
    found = parsed(joined(str(TGW_DEFAULT), TGW_LINE, *company, TGW_LINE))
    assert found.records == [expected, expected]
    assert len(expected) == 36


@pytest.mark.parametrize("size", [64, 8 << 20])
def test_a_field_that_a_log_of_a_transit_gateway_cannot_have_is_text_in_it(size: int) -> None:
    data = joined("tgw-id action traffic-path instance-tag bytes", "tgw-1 ACCEPT 8 a%20b 7")
    assert parsed(data, size).records == [
        {"tgw_id": "tgw-1", "action": "ACCEPT", "traffic_path": "8", "instance_tag": "a%20b", "bytes": 7}
    ]


@pytest.mark.parametrize("odd", [b"\xff", b"caf\xe9", b"\xc3", b"\xed\xa0\x80"])
@pytest.mark.parametrize("name", ["account-id", "srcaddr", "srcport", "log-status"])
def test_a_line_that_is_not_utf_8_goes_to_quarantine_alone(odd: bytes, name: str) -> None:
    line = line_with(name, "ODD").encode().replace(b"ODD", odd)
    found = parsed(joined(HEADER, LINE) + line + b"\n" + joined(SECOND_LINE))
    assert (found.records, found.bad_numbers) == ([RECORD, SECOND], [3])
    assert found.bad[0][1].startswith("not UTF-8: byte 0x")


@pytest.mark.parametrize("line", ["srcaddr bytes", "srcaddr dstaddr bytes and some more words of prose"])
def test_words_that_are_hardly_a_header_are_a_bad_line(line: str) -> None:
    reason = f"{len(line.split())} fields, the layout has 14"
    assert parsed(joined(HEADER, LINE, line, SECOND_LINE)) == Parsed(
        [RECORD, SECOND], [(3, reason)], passed=1, lines=4
    )


@pytest.mark.parametrize("size", [64, 8 << 20])
@pytest.mark.parametrize(
    ("header", "lines", "rows", "passed"),
    [
        ("zzz interface-id srcaddr", ["a b c", "zzz interface-id srcaddr", "d e f"], ["a b c", "d e f"], 2),
        ("INTERFACE_ID SRCADDR", ["a b", "INTERFACE_ID SRCADDR", "c d"], ["a b", "c d"], 2),
        ("SRCADDR DSTADDR", ["a  b", "srcaddr dstaddr", "c d"], ["a b", "c d"], 2),
        ("pkt_srcaddr pkt_dstaddr", ["a b", "", "Pkt-SrcAddr pkt_dstaddr", "c d"], ["a b", "c d"], 3),
        ("action srcaddr", ["srcaddr action", "a b"], ["srcaddr action", "a b"], 1),
        ("interface-id instance-tag", ["eni-1 tgw-id", "a start"], ["eni-1 tgw-id", "a start"], 1),
        (
            "interface-id next-hop-interface-id instance-tag",
            ["eni-1 eni-1 start", "eni-1 eni-1 eni-1"],
            ["eni-1 eni-1 start", "eni-1 eni-1 eni-1"],
            1,
        ),
    ],
)
def test_a_header_is_told_from_records_of_names_alone(
    header: str, lines: list[str], rows: list[str], passed: int, size: int
) -> None:
    found = parsed(joined(header, *lines), size)
    assert [" ".join(map(str, row.values())) for row in found.records] == rows
    assert (found.bad, found.passed, found.lines) == ([], passed, 1 + len(lines))


def test_a_first_line_of_junk_does_not_hide_the_default_format() -> None:
    for junk in ("j" * 100_000, "junk " * 20_000):
        found = parsed(joined(junk, LINE, SECOND_LINE))
        assert (found.records, found.bad_numbers) == ([RECORD, SECOND], [1])


def test_a_log_of_a_byte_order_mark_alone_is_empty() -> None:
    assert parsed(BOM.encode()) == Parsed()
    assert parsed(BOM.encode() + b"\n") == Parsed(passed=1, lines=1)


def test_layouts_that_follow_each_other_keep_their_columns_apart() -> None:
    data = joined(
        HEADER,
        LINE,
        "srcaddr bytes quantum-state start",
        "10.0.0.9 7 x 1705312800",
        LINE,
        HEADER,
        SECOND_LINE,
    )
    between: Record = {
        "srcaddr": "10.0.0.9",
        "bytes": 7,
        "quantum_state": "x",
        "start_time": datetime(2024, 1, 15, 10),
    }
    bad = [(5, "14 fields, the layout has 4")]
    for size in (64, 8 << 20):
        assert parsed(data, size) == Parsed([RECORD, between, SECOND], bad, passed=3, lines=7)


def test_lines_longer_than_a_block_are_one_bad_line_each() -> None:
    long = "z" * (20 << 20)
    found = parsed(joined(HEADER, LINE, long, SECOND_LINE, long, "bad"))
    bad = [(3, TOO_LONG), (5, TOO_LONG), (6, "1 field, the layout has 14")]
    assert found == Parsed([RECORD, SECOND], bad, passed=1, lines=6)


def test_a_line_too_long_is_bad_even_if_what_was_kept_of_it_is_a_record() -> None:
    spaces = " " * (17 << 20)
    for line in (LINE + spaces + "junk" + spaces, LINE + spaces, HEADER + spaces):
        assert parsed(joined(HEADER, line, SECOND_LINE)) == Parsed(
            [SECOND], [(2, TOO_LONG)], passed=1, lines=3
        )


def test_a_log_of_several_blocks_is_stored_whole(db: flowdb.FlowDB, tmp_path: Path) -> None:
    count = 120_000
    lines = [HEADER, *(record(number % 20_000, bytes=number) for number in range(count))]
    lines[1], lines[60_000], lines[count] = "bad", "", "bad"
    path = write_log(tmp_path / "large.log", lines)
    assert path.stat().st_size > 8 << 20
    db.ingest(path)
    kept = set(range(count)) - {0, 59_999, count - 1}
    assert db.sql("SELECT line_number FROM bad_lines ORDER BY ALL").fetchall() == [(2,), (count + 1,)]
    assert {size for (size,) in db.sql("SELECT bytes FROM flows").fetchall()} == kept
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(len(kept),)]


@pytest.mark.parametrize("name", ["date", "source-id", "start-time", "end-time", "filename", "file-index"])
def test_an_unknown_field_cannot_take_the_name_of_a_column_of_the_store(
    db: flowdb.FlowDB, tmp_path: Path, name: str
) -> None:
    db.ingest(write_log(tmp_path / "a.log", [f"{name} srcaddr start", "mine 10.0.0.1 1705312800"]))
    query = f"SELECT {name.replace('-', '_')}_, srcaddr, start_time FROM flows"
    assert db.sql(query).fetchall() == [("mine", "10.0.0.1", datetime(2024, 1, 15, 10))]
