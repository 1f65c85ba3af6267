"""Flow logs in Parquet: every row is the record that the same values are as text, or is in quarantine."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow.parquet import encryption

from flowdb.columnar import is_parquet, parquet_batches
from flowdb.compression import Damaged
from flowdb.fields import BY_NAME, FIELDS, Kind
from flowdb.layouts import DEFAULT, LayoutUnknown
from flowdb.records import BadLine
from flowdb.values import LONGEST_KEPT
from tests.conftest import ROOT
from tests.parquets import as_aws_writes, read, written
from tests.parsed import Parsed, parsed

SETTINGS = settings(max_examples=150, derandomize=True, deadline=None)
VALUES = {
    Kind.TEXT: "2001:db8::1",
    Kind.CODE: "arn:aws:ecs:us-east-1:123456789012:task/my%2Dapp",
    Kind.TAG: "my%2Dapp%20%C3%BC",
    Kind.OCTET: "255",
    Kind.PORT: "65535",
    Kind.COUNT: str(2**62),
    Kind.TIME: "1705312800",
}
LINE = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010"
    " 1418530070 ACCEPT OK"
)
SECOND = "2 001234567890 eni-2 - - - - - - - 1418530010 1418530070 - NODATA"

Turn = Callable[[str, pa.Array], pa.Array]


def _version_11() -> str:
    names = [one.name for one in FIELDS]
    full = [VALUES[one.kind] for one in FIELDS]
    none = ["-"] * len(FIELDS)
    return "\n".join([" ".join(names), " ".join(full), " ".join(none), " ".join(full)]) + "\n"


TEXTS = {path.name: path.read_text() for path in sorted((ROOT / "tests/data/official").glob("*.log"))} | {
    "version-11": _version_11(),
    "default": f"{DEFAULT}\n{LINE}\n{SECOND}\n",
}


def table_of(text: str) -> pa.Table:
    """Return a log as AWS would write it in Parquet."""
    lines = [line.split() for line in text.splitlines()]
    names = list(DEFAULT.names) if lines[0][0].isdigit() else lines.pop(0)
    return as_aws_writes(names, lines)


def kind_of(column: str) -> Kind:
    return BY_NAME[column.replace("_", "-")].kind


def same(column: str, values: pa.Array) -> pa.Array:
    return values


def typed(**types: pa.DataType) -> Turn:
    """Return what casts text, numbers and times to other types."""

    def turn(column: str, values: pa.Array) -> pa.Array:
        kind = kind_of(column)
        for name in (kind.name.lower(), "text" if kind.is_text else "number"):
            if name in types:
                return values.cast(types[name])
        return values

    return turn


def all_texts(column: str, values: pa.Array) -> pa.Array:
    return pc.fill_null(values.cast(pa.string()), "-")


def nones_of_pandas(column: str, values: pa.Array) -> pa.Array:
    return values if kind_of(column).is_text else pc.fill_null(values.cast(pa.string()), "None")


def empties(column: str, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(all_texts(column, values), "-"), "", all_texts(column, values))


def nulls(column: str, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, "-"), None, values) if kind_of(column).is_text else values


def dictionaries_of_numbers(column: str, values: pa.Array) -> pa.Array:
    return values if kind_of(column).is_text else values.dictionary_encode()


def milliseconds(column: str, values: pa.Array) -> pa.Array:
    return pc.multiply(values, 1000) if kind_of(column) is Kind.TIME else values


def moments(unit: str, zone: str | None = None) -> Turn:
    """Return what makes timestamps of times."""

    def turn(column: str, values: pa.Array) -> pa.Array:
        if kind_of(column) is not Kind.TIME:
            return values
        times = values.cast(pa.timestamp("s")).cast(pa.timestamp(unit))
        return times.cast(pa.int64()).cast(pa.timestamp(unit, zone)) if zone else times

    return turn


def unsigned(column: str, values: pa.Array) -> pa.Array:
    kinds = {Kind.OCTET: pa.uint8(), Kind.PORT: pa.uint16(), Kind.COUNT: pa.uint64(), Kind.TIME: pa.uint32()}
    return values.cast(kinds.get(kind_of(column), values.type))


def floats(column: str, values: pa.Array) -> pa.Array:
    return values if kind_of(column).is_text else values.cast(pa.float64(), safe=False)


def floats_of_pandas(column: str, values: pa.Array) -> pa.Array:
    return values if kind_of(column).is_text else pc.fill_null(floats(column, values), float("nan"))


TURNS: dict[str, Turn] = {
    "as AWS": same,
    "large text": typed(text=pa.large_string()),
    "dictionaries": typed(text=pa.dictionary(pa.int32(), pa.string())),
    "dictionaries of numbers": dictionaries_of_numbers,
    "bytes": typed(text=pa.binary()),
    "large bytes": typed(text=pa.large_binary()),
    "64 bits": typed(number=pa.int64()),
    "unsigned": unsigned,
    "floats": floats,
    "floats of pandas": floats_of_pandas,
    "decimals": typed(number=pa.decimal128(38, 2)),
    "whole decimals": typed(number=pa.decimal128(20, 0)),
    "all texts": all_texts,
    "texts with None": nones_of_pandas,
    "empty texts": empties,
    "NULL for no text": nulls,
    "milliseconds": milliseconds,
    "seconds as timestamps": moments("s"),
    "milliseconds as timestamps": moments("ms"),
    "microseconds as timestamps": moments("us", "UTC"),
    "nanoseconds as timestamps": moments("ns", "America/New_York"),
    "in a zone without a name": moments("us", "+05:30"),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_log_in_parquet_reads_as_it_does_in_text(text: str, turn: str) -> None:
    table = table_of(TEXTS[text])
    turned = pa.table({name: TURNS[turn](name, table[name].combine_chunks()) for name in table.column_names})
    expected = parsed(TEXTS[text].encode())
    found = read(written(turned))
    assert found.records == expected.records
    assert (found.bad, found.passed) == ([], 0)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "snappy"},
        {"compression": "zstd"},
        {"compression": "none", "use_dictionary": False},
        {"data_page_version": "2.0"},
        {"version": "1.0", "use_deprecated_int96_timestamps": True},
        {"row_group_size": 1},
        {"store_schema": False, "write_page_checksum": True},
        {"use_dictionary": False, "column_encoding": {"start": "DELTA_BINARY_PACKED"}},
    ],
    ids=str,
)
def test_it_does_not_matter_how_the_file_was_written(options: dict[str, Any]) -> None:
    expected = parsed(TEXTS["version-11"].encode())
    assert read(written(table_of(TEXTS["version-11"]), **options)).records == expected.records


def test_the_96_bit_times_of_spark_are_read_over_all_centuries() -> None:
    starts = [datetime(1970, 1, 1), datetime(2024, 1, 15, 10, 0, 0, 5000), datetime(2200, 1, 1)]
    table = pa.table({"start": pa.array(starts, pa.timestamp("us"))})
    found = read(written(table, use_deprecated_int96_timestamps=True))
    assert [row["start_time"] for row in found.records] == starts


def test_columns_are_known_by_name_in_any_case_and_order() -> None:
    table = table_of(TEXTS["default"])
    names = [
        name.upper().replace("_", "-") if n % 2 else name.title() for n, name in enumerate(table.column_names)
    ]
    mixed = table.rename_columns(names).select(names[::-1])
    assert read(written(mixed)).records == parsed(TEXTS["default"].encode()).records


def test_account_ids_that_became_numbers_get_their_zeros_back() -> None:
    for kind in (pa.int64(), pa.float64(), pa.decimal128(20, 0), pa.uint64()):
        table = pa.table({"account_id": pa.array([1234567890, 123456789012, None], pa.int64()).cast(kind)})
        ids = [row["account_id"] for row in read(written(table)).records]
        assert ids == ["001234567890", "123456789012", None]


def test_an_account_id_that_is_text_stays_as_it_is() -> None:
    texts = ["unknown", "1234", "6.02485E+11", "-"]
    found = read(written(pa.table({"account_id": texts})))
    assert [row["account_id"] for row in found.records] == ["unknown", "1234", "6.02485E+11", None]


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"srcport": ["abc"]}, "srcport is 'abc', not a number from 0 to 65535"),
        ({"srcport": ["25238.0"]}, "srcport is '25238.0', not a number from 0 to 65535"),
        ({"srcport": [65536]}, "srcport is '65536', not a number from 0 to 65535"),
        ({"srcport": [-1]}, "srcport is '-1', not a number from 0 to 65535"),
        ({"srcport": [1.5]}, "srcport is '1.5', not a number from 0 to 65535"),
        ({"bytes": [float("inf")]}, f"bytes is 'inf', not a number from 0 to {2**63 - 1}"),
        ({"bytes": pa.array([2**64 - 1], pa.uint64())},
         f"bytes is '{2**64 - 1}', not a number from 0 to {2**63 - 1}"),
        ({"bytes": [1e300]}, f"bytes is '1e+300', not a number from 0 to {2**63 - 1}"),
        ({"bytes": [Decimal("1.50")]}, f"bytes is '1.50', not a number from 0 to {2**63 - 1}"),
        ({"protocol": [True]}, "protocol is 'true', not a number from 0 to 255"),
        ({"protocol": [date(2024, 1, 15)]}, "protocol is '2024-01-15', not a number from 0 to 255"),
        ({"protocol": [[6]]}, "protocol is '[6]', not a number from 0 to 255"),
        ({"start": [253_402_300_800_000]},
         "start is '253402300800000', not a time in seconds or milliseconds"),
        ({"start": [datetime(1969, 12, 31, 23, 59, 59, 999999)]},
         "start is '1969-12-31 23:59:59.999999', not a time in seconds or milliseconds"),
        ({"end": [date(1969, 12, 31)]}, "end is '1969-12-31', not a time in seconds or milliseconds"),
        ({"end": pa.array([2**62], pa.timestamp("ms"))}, "not a time in seconds or milliseconds"),
        ({"srcaddr": ["a\tb"]}, "a control character: 0x09"),
        ({"srcaddr": ["a\nb"]}, "a control character: 0x0a"),
        ({"srcport": ["1\0"]}, "a control character: 0x00"),
        ({"srcaddr": [b"a\xc3"]}, "not UTF-8: byte 0xc3"),
        ({"instance-tag": ["x" * 4097]}, "instance-tag has 4,097 bytes, more than 4,096"),
        ({"srcport": ["x"], "srcaddr": [b"\xff\0"], "instance-tag": ["\0"]}, "not UTF-8: byte 0xff"),
        ({"srcport": ["x"], "dstport": ["y"]}, "srcport is 'x', not a number from 0 to 65535"),
    ],
)  # fmt: skip
def test_a_row_with_a_value_that_is_none_is_bad_and_says_why(column: dict[str, Any], reason: str) -> None:
    bad = pa.table(column)
    none = pa.table([pa.nulls(1, one.type) for one in bad.schema], schema=bad.schema)
    found = read(written(pa.concat_tables([none, bad, none])))
    assert [(number, said.endswith(reason)) for number, said in found.bad] == [(2, True)]
    assert len(found.records) == 2
    assert {value for row in found.records for value in row.values()} == {None}


def test_a_bad_row_is_kept_as_the_line_that_it_would_have_been() -> None:
    table = pa.table(
        {
            "srcaddr": ["10.0.0.1", b"10.0.0.\xff", None],
            "srcport": [1.0, 2.5, -3],
            "start": pa.array([0, None, 1], pa.timestamp("s")),
            "extra": pa.array([None, [{"a": 1}], []], pa.list_(pa.struct({"a": pa.int8()}))),
        },
        schema=pa.schema(
            [
                ("srcaddr", pa.binary()),
                ("srcport", pa.float64()),
                ("start", pa.timestamp("s")),
                ("extra", pa.list_(pa.struct({"a": pa.int8()}))),
            ]
        ),
    )
    (batch,) = parquet_batches(BytesIO(written(table)))
    assert batch.bad == [
        BadLine(2, "not UTF-8: byte 0xff", '10.0.0.\\xff 2.5 - [{"a":1}]'),
        BadLine(3, "srcport is '-3', not a number from 0 to 65535", "- -3 1970-01-01 00:00:01.000 []"),
    ]


def test_a_value_of_millions_of_bytes_is_kept_only_in_part() -> None:
    table = pa.table({"srcaddr": ["x" * 5_000_000, "10.0.0.1"], "bytes": [1, 2]})
    (batch,) = parquet_batches(BytesIO(written(table)))
    assert batch.bad == [BadLine(1, "srcaddr has 5,000,000 bytes, more than 4,096", "x" * LONGEST_KEPT)]
    assert batch.records[0].to_pylist() == [{"srcaddr": "10.0.0.1", "bytes": 2}]


def test_rows_are_numbered_over_row_groups_and_batches() -> None:
    ports = [70_000 if row % 50_000 == 0 else 443 for row in range(1, 200_001)]
    found = read(written(pa.table({"srcport": ports}), row_group_size=70_000))
    assert found.bad_numbers == [50_000, 100_000, 150_000, 200_000]
    assert found.lines == 200_000


def test_columns_that_nobody_knows_are_kept_as_text() -> None:
    table = pa.table(
        {
            "srcaddr": ["10.0.0.1", "-"],
            "Quantum State": ["up", "-"],
            "eventDay": pa.array([20240115, None], pa.int32()),
            "seen": pa.array([date(2024, 1, 15), None]),
            "ratio": [0.5, None],
            "flag": [True, None],
            "tags": pa.array([{"a": "b"}, None], pa.struct({"a": pa.string()})),
            "pairs": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "nothing": pa.nulls(2),
        }
    )
    (batch,) = parquet_batches(BytesIO(written(table)))
    first, second = batch.records[0].to_pylist()
    assert first == {
        "srcaddr": "10.0.0.1",
        "quantum_state": "up",
        "eventday": "20240115",
        "seen": "2024-01-15",
        "ratio": "0.5",
        "flag": "true",
        "tags": '{"a":"b"}',
        "pairs": '[["k",1]]',
        "nothing": None,
    }
    assert set(second.values()) == {None}
    assert str(batch.layout) == "srcaddr quantum-state eventday seen ratio flag tags pairs nothing"


def test_nested_values_that_are_no_json_are_kept_somehow() -> None:
    odd = pa.array([[b"\xff"], [b"a"]], pa.list_(pa.binary())).cast(pa.list_(pa.binary()))
    late = pa.array([[2**62], [1]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("us")))
    found = read(written(pa.table({"srcaddr": ["a", "b"], "odd": odd, "late": late})))
    assert [row["srcaddr"] for row in found.records] == ["a", "b"]
    assert None not in {row[name] for row in found.records for name in ("odd", "late")}


def table_twice() -> pa.Table:
    return pa.table([pa.array(["a"]), pa.array(["b"])], names=["srcaddr", "SRCADDR"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (table_twice(), "it has two columns for srcaddr"),
        (pa.table({"log-status": ["a"], "log_status": ["b"]}), "it has two columns for log-status"),
        (pa.table({"a": [1], "b": [2]}), "none of its columns is a field of flow logs"),
        (pa.table({}), "it has no columns"),
        (pa.table({"class_uid": [4001], "time": [1]}), "none of its columns is a field of flow logs"),
        (pa.table({"srcaddr": ["a"], **{f"x{n}": ["b"] for n in range(255)}}), "256 fields, more than 255"),
    ],
)
def test_a_file_whose_columns_make_no_layout_is_refused(table: pa.Table, said: str) -> None:
    with pytest.raises(LayoutUnknown, match=said):
        read(written(table))


def test_a_file_without_rows_tells_its_layout() -> None:
    for turn in TURNS.values():
        table = table_of(TEXTS["default"])
        turned = pa.table({name: turn(name, table[name].combine_chunks()) for name in table.column_names})
        (batch,) = parquet_batches(BytesIO(written(turned.slice(0, 0))))
        assert (batch.layout, batch.records, batch.bad, batch.passed) == (DEFAULT, [], [], 0)


def test_parquet_is_known_by_its_first_bytes() -> None:
    assert is_parquet(written(table_of(TEXTS["default"]))[:4])
    assert is_parquet(b"PARE")
    assert not is_parquet(b"PAR")
    assert not is_parquet(b"2 123456789012")
    assert not is_parquet(b"")


class Unwrapped(encryption.KmsClient):  # type: ignore[misc]
    """Keeps keys as they are."""

    def __init__(self, config: object) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, master: str) -> bytes:
        return b64encode(key)

    def unwrap_key(self, wrapped: bytes, master: str) -> bytes:
        return b64decode(wrapped)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_says_so(plaintext_footer: bool) -> None:
    keys = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["srcaddr"]}, plaintext_footer=plaintext_footer
    )
    properties = encryption.CryptoFactory(Unwrapped).file_encryption_properties(
        encryption.KmsConnectionConfig(), keys
    )
    data = written(table_of(TEXTS["default"]), encryption_properties=properties)
    assert is_parquet(data[:4])
    with pytest.raises(Damaged, match=r"^it is encrypted Parquet, and flowdb has no keys$"):
        read(data)


def test_reading_loads_no_pandas(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(written(table_of(TEXTS["default"])))
    script = """
import sys
from flowdb.columnar import parquet_batches
with open(sys.argv[1], "rb") as file:
    assert [batch.lines for batch in parquet_batches(file)] == [2]
print("pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.parquet")],
        cwd=ROOT,
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


ODD_TEXTS = [
    "-", "", "0", "00", "2", "65535", "65536", "-1", "+1", "1.0", "1e5", "0x1", "nan", "None", "true", "x",
    "--", "253402300799", "253402300800", "253402300799999", "253402300800000", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "0" * 30 + "7", "a\tb", "a\0b", "a\rb", "\x7f", "名前",
    "\u2028a", "x" * 4096, "x" * 4097, "9" * 4097, '"', "'", "\\N", "null", "1_0", "\u0662", "\xa01",
]  # fmt: skip
NAMES = ["srcaddr", "srcport", "account-id", "version", "bytes", "start", "end", "quantum-state"]


def line_of(texts: Sequence[bytes]) -> bytes:
    # An empty text has no place in a line, and None is none: both say that there is no value.
    return b" ".join(text or b"-" for text in texts)


@st.composite
def odd_rows(draw: st.DrawFn) -> list[list[bytes]]:
    """Draw rows of texts, of which some are none of their field, or not even text."""
    odd = st.sampled_from(ODD_TEXTS).map(str.encode) | st.sampled_from([b"\xff", b"a\xc3", b"\xed\xa0\x80"])
    return draw(st.lists(st.lists(odd, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=8))


@SETTINGS
@given(odd_rows(), st.sampled_from([pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())]))
@example([[b"a\tb", b"x", b"\xff", b"1", b"1", b"1", b"1", b"-"]], pa.binary())
def test_odd_texts_are_what_the_text_parser_says_of_them(rows: list[list[bytes]], kind: pa.DataType) -> None:
    numbers = {
        place for place, name in enumerate(NAMES) if name in BY_NAME and not BY_NAME[name].kind.is_text
    }
    rows = [
        [b"-" if text == b"None" and place in numbers else text for place, text in enumerate(row)]
        for row in rows
    ]
    # A line cannot begin or end with what is trimmed off it.
    data = b"\n".join([" ".join(NAMES).encode(), *map(line_of, rows)]) + b"\n"
    expected = parsed(data)
    columns = {
        name: pa.array(values, pa.binary()).cast(kind)
        for name, values in zip(NAMES, zip(*rows, strict=True), strict=True)
    }
    found = read(written(pa.table(columns)))
    assert found.records == expected.records
    assert found.bad == [(number - 1, reason) for number, reason in expected.bad]


INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(
    [
        0,
        255,
        256,
        65_535,
        65_536,
        -1,
        253_402_300_799,
        253_402_300_800,
        253_402_300_799_999,
        253_402_300_800_000,
    ]
)
DAYS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
SORTS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), INTEGERS),
    (pa.uint64(), st.integers(0, 2**64 - 1) | st.sampled_from([0, 255, 2**63])),
    (pa.int8(), st.integers(-128, 127)),
    (pa.float64(), st.floats() | INTEGERS.map(float)),
    (pa.float32(), st.floats(width=32)),
    (pa.bool_(), st.booleans()),
    (pa.string(), st.sampled_from([text for text in ODD_TEXTS if text])),
    (pa.date32(), DAYS.map(datetime.date)),
    (pa.timestamp("us"), DAYS),
    (pa.timestamp("ns", "UTC"), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),
    (pa.decimal128(38, 3), st.decimals(-(10**20), 10**20, places=3)),
    (pa.time64("us"), st.times()),
    (pa.duration("s"), st.timedeltas().map(lambda span: timedelta(days=span.days))),
    (pa.list_(pa.int32()), st.lists(st.integers(0, 9), max_size=2)),
    (pa.null(), st.none()),
]  # fmt: skip


@st.composite
def odd_tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table of columns of any type."""
    count = draw(st.integers(1, 6))
    columns = {}
    for name in draw(st.lists(st.sampled_from(NAMES[:-1]), min_size=1, unique=True)):
        kind, values = draw(st.sampled_from(SORTS))
        columns[name] = pa.array(draw(st.lists(values | st.none(), min_size=count, max_size=count)), kind)
    return pa.table(columns)


@SETTINGS
@given(odd_tables())
def test_every_row_of_any_table_is_a_record_or_a_bad_line(table: pa.Table) -> None:
    found = read(written(table))
    assert found.lines == len(table)
    assert found.bad_numbers == sorted(set(found.bad_numbers))
    assert len(found.records) + len(found.bad) == len(table)


@SETTINGS
@given(
    st.lists(INTEGERS | st.none(), min_size=1, max_size=8),
    st.sampled_from(["srcport", "version", "bytes", "start"]),
)
def test_integers_are_what_the_text_parser_says_of_them(values: list[int | None], name: str) -> None:
    lines = ["-" if value is None else str(value) for value in values]
    expected = parsed("\n".join([name, *lines]).encode())
    integers = pa.array(values, pa.int64())
    for column in (integers, integers.cast(pa.decimal128(38, 0)), integers.dictionary_encode()):
        found = read(written(pa.table({name: column})))
        assert found.records == expected.records
        assert found.bad == [(number - 1, reason) for number, reason in expected.bad]


@SETTINGS
@given(st.lists(DAYS, min_size=1, max_size=4), st.sampled_from(["ms", "us"]))
def test_timestamps_are_times_in_utc_from_1970_on(times: list[datetime], unit: str) -> None:
    kept = [time.replace(microsecond=time.microsecond // 1000 * 1000) for time in times if time.year >= 1970]
    for zone in (None, "UTC"):
        aware = [time.replace(tzinfo=UTC if zone else None) for time in times]
        if unit == "ms":
            aware = [time.replace(microsecond=time.microsecond // 1000 * 1000) for time in aware]
        found = read(written(pa.table({"end": pa.array(aware, pa.timestamp(unit, zone))})))
        assert [row["end_time"] for row in found.records] == kept


def small_file() -> bytes:
    text = "\n".join([TEXTS["default"].rstrip()] + [LINE.replace("20641", str(n)) for n in range(300)])
    table = table_of(text)
    return written(table, compression="gzip", row_group_size=150, write_page_checksum=True)


def damage_of(data: bytes) -> Parsed | str:
    """Return what a file holds, or why it was refused."""
    try:
        return read(data)
    except (Damaged, LayoutUnknown) as error:
        return str(error)


def test_a_file_that_was_cut_short_is_damaged_wherever_it_was_cut() -> None:
    data = small_file()
    for end in [*range(4, len(data), 97), len(data) - 1]:
        with pytest.raises(Damaged, match=r"^its Parquet data cannot be read "):
            read(data[:end])


def test_a_changed_byte_among_the_values_is_damage_or_changes_nothing() -> None:
    data = small_file()
    whole = read(data)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for at in range(4, footer, 11):
        for bit in (1, 0x80):
            found = damage_of(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
            assert isinstance(found, str) or found == whole


def test_a_changed_byte_in_the_footer_neither_ends_the_process_nor_hangs_it() -> None:
    script = """
import sys
from tests.test_columnar import damage_of, small_file
data = small_file()
footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
for at in range(footer, len(data), 11):
    for value in (0, 0xFF, data[at] ^ 1):
        damage_of(data[:at] + bytes([value]) + data[at + 1 :])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, timeout=300, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_records_before_the_damage_were_handed_over() -> None:
    ports = pa.table({"srcport": [row % 60_000 for row in range(200_000)]})
    data = bytearray(written(ports, row_group_size=100_000, use_dictionary=False, write_page_checksum=True))
    chunk = pq.ParquetFile(BytesIO(data)).metadata.row_group(1).column(0)
    data[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 0xFF
    batches = parquet_batches(BytesIO(bytes(data)))
    assert len(next(batches).records[0]) == 65_536
    with pytest.raises(Damaged):
        list(batches)


def test_a_disk_that_fails_is_no_damage() -> None:
    class Failing(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        next(parquet_batches(Failing(small_file())))
