"""The parser: every line is a record, is in quarantine with a reason, or is a header or blank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BufferedReader, BytesIO
from typing import Any

import pyarrow as pa
import pytest

from flowdb.compression import Text
from flowdb.fields import BY_NAME, FIELDS, Kind
from flowdb.layouts import DEFAULT, LayoutUnknown
from flowdb.lines import blocks
from flowdb.records import BadLine, Batch, parse
from flowdb.values import LONGEST_FIELD, LONGEST_KEPT
from flowdb.words import spelled

pytestmark = pytest.mark.usefixtures("way_of_reading")

LINE = (
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010"
    b" 1418530070 ACCEPT OK"
)
HEADER = str(DEFAULT).encode()
PLACES = {name: place for place, name in enumerate(DEFAULT.names)}
READ = {
    "version": 2,
    "account_id": "123456789010",
    "interface_id": "eni-1235b8ca123456789",
    "srcaddr": "172.31.16.139",
    "dstaddr": "172.31.16.21",
    "srcport": 20641,
    "dstport": 22,
    "protocol": 6,
    "packets": 20,
    "bytes": 4249,
    "start_time": datetime(2014, 12, 14, 4, 6, 50),
    "end_time": datetime(2014, 12, 14, 4, 7, 50),
    "action": "ACCEPT",
    "log_status": "OK",
}


def batches(data: bytes, size: int = 1 << 23) -> Iterator[Batch]:
    """Yield what the parser makes of a source's bytes, cut into blocks of about this size."""
    return parse(blocks(Text(BufferedReader(BytesIO(data))), size))


def rows(data: bytes, size: int = 1 << 23) -> tuple[list[dict[str, Any]], list[BadLine], int]:
    """Return the records, the bad lines and the number of lines passed over."""
    found = list(batches(data, size))
    records = [row for batch in found for table in batch.records for row in table.to_pylist()]
    return records, [bad for batch in found for bad in batch.bad], sum(batch.passed for batch in found)


def with_value(name: str, value: bytes) -> bytes:
    """Return the line with another value in one field."""
    tokens = LINE.split(b" ")
    tokens[PLACES[name]] = value
    return b" ".join(tokens)


@pytest.mark.parametrize(
    ("data", "records", "passed"),
    [
        (LINE, 1, 0),
        (LINE + b"\n", 1, 0),
        (b"\n".join([HEADER, LINE, LINE]), 2, 1),
        (HEADER + b"\n", 0, 1),
        (HEADER, 0, 1),
        (b"", 0, 0),
        (b"\n \n\r\n", 0, 3),
        (LINE + b"\r\n" + LINE + b"\r\n", 2, 0),
        (HEADER + b"\r\n" + LINE + b"\r\n", 1, 1),
        (b"\xef\xbb\xbf" + LINE + b"\n", 1, 0),
        (b"\xef\xbb\xbf" + HEADER + b"\n" + LINE, 1, 1),
        (LINE + b"\n\xef\xbb\xbf" + LINE, 2, 0),
        (b"\n\n".join([LINE] * 5) + b"\n\n", 5, 5),
        (b" " + LINE.replace(b" ", b"   ") + b"  \n" + LINE, 2, 0),
        (b"".join(b" " + LINE + b" \n" for _ in range(9)), 9, 0),
        (b"\n".join([HEADER, LINE, HEADER, LINE, HEADER]), 2, 3),
        (b"\n".join([LINE, HEADER]), 1, 1),
        (b"\n".join([HEADER.upper().replace(b"-", b"_"), LINE]), 1, 1),
    ],
)
def test_lines_that_hold_records_are_read(data: bytes, records: int, passed: int) -> None:
    assert rows(data) == ([READ] * records, [], passed)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.rpartition(b" ")[0], "13 fields, the layout has 14"),
        (LINE + b" one-more", "15 fields, the layout has 14"),
        (LINE + b" # a remark", "17 fields, the layout has 14"),
        (LINE.replace(b" 22 ", b"  "), "13 fields, the layout has 14"),
        (with_value("srcport", b"abc"), "srcport is 'abc', not a number from 0 to 65535"),
        (with_value("srcport", b"NaN"), "srcport is 'NaN', not a number from 0 to 65535"),
        (with_value("srcport", b"65543"), "srcport is '65543', not a number from 0 to 65535"),
        (with_value("dstport", b"-1"), "dstport is '-1', not a number from 0 to 65535"),
        (with_value("dstport", b"0x50"), "dstport is '0x50', not a number from 0 to 65535"),
        (with_value("dstport", b"+22"), "dstport is '+22', not a number from 0 to 65535"),
        (with_value("bytes", b"1e5"), f"bytes is '1e5', not a number from 0 to {2**63 - 1}"),
        (with_value("bytes", b"12.0"), f"bytes is '12.0', not a number from 0 to {2**63 - 1}"),
        (with_value("bytes", str(2**63).encode()), f"bytes is '{2**63}', not a number from 0 to {2**63 - 1}"),
        (with_value("bytes", b"9" * 60), f"bytes is '{'9' * 40}', not a number from 0 to {2**63 - 1}"),
        (with_value("packets", b"-5"), f"packets is '-5', not a number from 0 to {2**63 - 1}"),
        (with_value("protocol", b"256"), "protocol is '256', not a number from 0 to 255"),
        (with_value("version", b"two"), "version is 'two', not a number from 0 to 255"),
        (with_value("start", b"1.7284E+12"), "start is '1.7284E+12', not a time in seconds or milliseconds"),
        (with_value("end", b"9" * 16), f"end is '{'9' * 16}', not a time in seconds or milliseconds"),
        (with_value("srcport", "٢٢".encode()), "srcport is '٢٢', not a number from 0 to 65535"),
        (with_value("srcaddr", b"\xff\xfe"), "not UTF-8: byte 0xff"),
        (with_value("srcaddr", b"a\0b"), "a control character: 0x00"),
        (with_value("srcaddr", b"a\tb"), "a control character: 0x09"),
        (with_value("srcport", b"22\t"), "a control character: 0x09"),
        (with_value("action", b"AC\rCEPT"), "a control character: 0x0d"),
        (with_value("srcaddr", b"x" * 4097), "srcaddr has 4,097 bytes, more than 4,096"),
        (b"x" * 10_000_000, "1 field, the layout has 14"),
        (b"once upon a time", "4 fields, the layout has 14"),
    ],
)
def test_a_line_that_is_no_record_goes_to_quarantine_and_its_neighbours_do_not(
    line: bytes, reason: str
) -> None:
    records, bad, passed = rows(b"\n".join([HEADER, LINE, line, LINE, b""]))
    assert (records, passed) == ([READ] * 2, 1)
    kept = line[: LONGEST_KEPT * 4].decode(errors="backslashreplace").replace("\0", "\\x00")[:LONGEST_KEPT]
    assert bad == [BadLine(3, reason, kept)]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("account-id", b"012345678901", "012345678901"),
        ("account-id", b"unknown", "unknown"),
        ("account-id", b"<ACCOUNT-ID>", "<ACCOUNT-ID>"),
        ("account-id", b"6.02485E+11", "6.02485E+11"),
        ("interface-id", b"-", None),
        ("interface-id", b'"quoted', '"quoted'),
        ("interface-id", b"null", "null"),
        ("interface-id", b"x" * LONGEST_FIELD, "x" * LONGEST_FIELD),
        ("srcaddr", b"2001:db8::1", "2001:db8::1"),
        ("srcaddr", "münchen".encode(), "münchen"),
        ("srcaddr", b"\x1b[31m", "\x1b[31m"),
        ("srcport", b"-", None),
        ("srcport", b"00443", 443),
        ("bytes", str(2**63 - 1).encode(), 2**63 - 1),
        ("start", b"1418530010123", datetime(2014, 12, 14, 4, 6, 50, 123000)),
        ("start", b"-", None),
        ("start", b"165489242", datetime(1975, 3, 31, 9, 14, 2)),
        ("end", b"253402300799", datetime(9999, 12, 31, 23, 59, 59)),
        ("action", b"reject", "reject"),
        ("log-status", b"NODATA", "NODATA"),
    ],
)
def test_odd_values_are_read_as_they_are(name: str, value: bytes, read: object) -> None:
    column = BY_NAME[name].column
    assert rows(b"\n".join([LINE, with_value(name, value)])) == ([READ, READ | {column: read}], [], 0)


def test_the_header_decides_order_and_set_of_fields() -> None:
    data = b"log-status  dstport start\nOK 22 1418530010\n- - -\n"
    assert rows(data)[0] == [
        {"log_status": "OK", "dstport": 22, "start_time": datetime(2014, 12, 14, 4, 6, 50)},
        {"log_status": None, "dstport": None, "start_time": None},
    ]


def test_every_known_field_is_read_in_any_order() -> None:
    values = {field: ("7" if not field.kind.is_text else f"v-{field.name}") for field in FIELDS}
    fields = sorted(FIELDS, key=lambda field: field.name[::-1])
    data = " ".join(field.name for field in fields) + "\n" + " ".join(values[field] for field in fields)
    ((record,), bad, passed) = rows(data.encode())
    assert (bad, passed) == ([], 1)
    assert record == {
        field.column: datetime(1970, 1, 1, 0, 0, 7)
        if field.kind is Kind.TIME
        else (values[field] if field.kind.is_text else 7)
        for field in fields
    }


def test_a_field_that_nobody_knows_is_a_column_of_text() -> None:
    ((record,), _, _) = rows(HEADER + b" brand-new\n" + LINE + b" 0042\n")
    assert record == READ | {"brand_new": "0042"}


def test_another_header_in_the_middle_starts_a_new_layout() -> None:
    other = b"version srcaddr bytes\n5 10.0.0.1 77\n5 10.0.0.2\n"
    records, bad, passed = rows(LINE + b"\n" + other)
    assert (records, passed) == ([READ, {"version": 5, "srcaddr": "10.0.0.1", "bytes": 77}], 1)
    assert bad == [BadLine(4, "2 fields, the layout has 3", "5 10.0.0.2")]


def test_a_header_is_told_from_records_where_no_field_is_a_number() -> None:
    header = b"srcaddr dstaddr action"
    data = b"\n".join([header, b"a b ACCEPT", header, b"srcaddr b REJECT"])
    records, bad, passed = rows(data)
    assert [tuple(record.values()) for record in records] == [
        ("a", "b", "ACCEPT"),
        ("srcaddr", "b", "REJECT"),
    ]
    assert (bad, passed) == ([], 2)


@pytest.mark.parametrize("size", [300, 1000, 1 << 23])
def test_line_numbers_are_right_whatever_the_blocks(size: int) -> None:
    lines = [HEADER if n % 10 == 0 else b"" if n % 10 == 1 else LINE for n in range(1, 200)]
    for number in (1, 57, 58, 120, 199):
        lines[number - 1] = b"bad %d" % number
    records, bad, passed = rows(b"\n".join(lines), size)
    assert [one.number for one in bad] == [1, 57, 58, 120, 199]
    assert len(records) + len(bad) + passed == 199


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a b c\n", "its first line names no field of flow logs"),
        (
            b"1 2 3\n4 5 6\n",
            (
                "it has no header, and no record with the 14 fields of the default format;"
                " --format names its fields"
            ),
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is a binary file, not a flow log"),
        (HEADER + b" start\n" + LINE + b" 1\n", "its header names start twice"),
        (HEADER + b" odd.name\n", "its header has 'odd.name', which cannot be the name of a field"),
        (
            HEADER + b" " + b" ".join(b"f%d" % n for n in range(300)),
            "its header names 314 fields, more than 255",
        ),
        (
            b"6 TransitGateway 123456789012 tgw-1 tgw-attach-1 111111111111 222222222222 10.0.0.1\n",
            (
                "it has no header, and no record with the 14 fields of the default format;"
                " --format names its fields"
            ),
        ),
    ],
)
def test_a_source_whose_layout_cannot_be_known_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(LayoutUnknown) as caught:
        rows(data)
    assert str(caught.value) == reason


def test_a_damaged_first_line_does_not_hide_the_default_format() -> None:
    records, bad, _ = rows(b"\n".join([b"garbage", b"2 too short", LINE]))
    assert (len(records), [one.number for one in bad]) == (1, [1, 2])


def test_columns_have_the_types_in_which_they_are_stored() -> None:
    for data in (LINE, LINE + b"\nbad"):
        (batch,) = batches(data)
        assert [str(spelled(column).type) for column in batch.records[0].columns] == [
            *("int32", "string", "string", "string", "string", "int32", "int32", "int32", "int64", "int64"),
            *("timestamp[ms]", "timestamp[ms]", "string", "string"),
        ]
        assert isinstance(batch.records[0], pa.Table)
