"""What holds of the parser for every log: no line is lost, and neither blocks nor spaces matter."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import flowdb
from flowdb.compression import Damaged
from flowdb.layouts import LayoutUnknown
from flowdb.lines import BLOCK_SIZE
from tests import reference
from tests.conftest import ROOT
from tests.parsed import Parsed, parsed

pytestmark = pytest.mark.usefixtures("way_of_reading")

SETTINGS = settings(max_examples=200, derandomize=True, deadline=None)
HEADER = " ".join(reference.DEFAULT).encode()
REAL_LINES = [
    line
    for path in sorted((ROOT / "tests" / "data" / "shapes").glob("*.log"))
    for line in path.read_bytes().splitlines()
]

# What breaks readers of numbers, of UTF-8, of CSV, and of lines.
ODD = [
    b"\0", b"\t", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8", b"\xc2\xa0", b"\x1a",
    b"\x0b", b"\x0c", b'"', b"'", b"\\", b",", b"#", b"-", b"--", b"+1", b"-1", b"0x1", b"0X1F", b" 0x1 ",
    b"1e5", b"1.0", b"nan", b"null", b"true", b"65536", b"256", b"18446744073709551616",
    b"9223372036854775808", b"253402300799999", b"253402300800000", b"0" * 30, b" ", b"   ", b"\r",
    b"\n", b"\r\n", b"\n\n", b"\n \n", b"\r\n\r\n", b" \r\n", b"\n" + HEADER + b"\n", HEADER, b"srcaddr",
    b"\nsrcaddr dstaddr bytes\n", b"\xf0\x9f\xa6\x86",
]  # fmt: skip


def counted(data: bytes) -> int:
    """Return the number of lines, the last of which may lack its newline."""
    return data.count(b"\n") + (not data.endswith(b"\n") and data != b"")


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a log of real lines in which bytes were put in, taken out and changed."""
    lines = draw(st.lists(st.sampled_from(REAL_LINES), min_size=1, max_size=12))
    log = bytearray(b"\n".join(lines) + b"\n")
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(log)))
        match draw(st.integers(0, 2)):
            case 0:
                log[at:at] = draw(st.sampled_from(ODD))
            case 1:
                del log[at : at + draw(st.integers(1, 8))]
            case _:
                log[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
    return bytes(log)


def read(data: bytes, size: int = BLOCK_SIZE) -> Parsed | str:
    """Return what a log holds, or why it was refused."""
    try:
        return parsed(data, size)
    except (LayoutUnknown, Damaged) as error:
        return str(error)


@SETTINGS
@given(st.binary(max_size=300) | st.lists(st.sampled_from(ODD), max_size=30).map(b" ".join))
@example(b"")
@example(b"\n")
@example(HEADER)
@example(HEADER + b"\r" + HEADER + b"\n\n")
def test_bytes_of_any_kind_are_refused_or_every_line_is_accounted_for(data: bytes) -> None:
    found = read(data)
    if isinstance(found, Parsed):
        assert found.lines == counted(data.removeprefix(reference.BOM))


@SETTINGS
@given(mutated())
def test_no_line_of_a_damaged_log_is_lost_or_read_twice(data: bytes) -> None:
    found = read(HEADER + b"\n" + data)
    if isinstance(found, Parsed):
        assert found.lines == 1 + counted(data)
        assert found.bad_numbers == sorted(set(found.bad_numbers))
    else:
        assert found.endswith(" twice")


@SETTINGS
@given(mutated(), st.integers(64, 2000))
def test_a_log_reads_the_same_whatever_the_size_of_the_blocks(data: bytes, size: int) -> None:
    data = HEADER + b"\n" + data
    whole = read(data)
    assert read(data, size) == whole
    assert read(data, 64) == whole


@SETTINGS
@given(mutated())
def test_a_damaged_log_is_read_as_an_independent_reader_reads_it(data: bytes) -> None:
    data = HEADER + b"\n" + data
    found = read(data)
    if isinstance(found, Parsed):
        expected = reference.read_bytes(data)
        assert found.records == expected.records
        assert found.bad_numbers == expected.bad
        assert found.passed == expected.passed


@dataclass(frozen=True)
class Log:
    """The bytes of a log, and how many of its lines were made to be records, where that is known."""

    data: bytes
    records: int | None = None


COUNTS = {255: st.integers(0, 255), 65_535: st.integers(0, 65_535), 2**63 - 1: st.integers(0, 2**63 - 1)}
MOMENTS = (
    st.integers(1_400_000_000, 1_900_000_000)
    | st.integers(1_400_000_000_000, 1_900_000_000_000)
    | st.sampled_from([0, 253_402_300_799, 253_402_300_800, 253_402_300_799_999])
)
WORDS = st.sampled_from(
    ["ACCEPT", "REJECT", "OK", "NODATA", "eni-0a1b", "i-0c50d5961bcb2d47b", "10.0.0.1", "2001:db8::1",
     "arn:aws:ecs:us-east-1:123456789012:task/a", "my%2Dapp", "unknown", "001", "名前", "--", '"', "6.02E+11",
     "caf%C3%A9%20", "a%C3b", "50%", "%2d%4g"]
) | st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=12)  # fmt: skip
EXTRA = "quantum-state"


@st.composite
def layouts(draw: st.DrawFn) -> list[str]:
    """Draw the names of a header: the default ones, all, or some in any order, maybe with an unknown one."""
    names = draw(
        st.just(list(reference.DEFAULT))
        | st.just(list(reference.NAMES))
        | st.just(list(reference.TGW_NAMES))
        | st.lists(st.sampled_from(reference.NAMES), min_size=1, max_size=20, unique=True)
        | st.lists(st.sampled_from(reference.ALL_NAMES), min_size=1, max_size=20, unique=True)
    )
    return [*names, EXTRA] if draw(st.booleans()) else names


@st.composite
def record_lines(draw: st.DrawFn, names: Sequence[str]) -> bytes:
    """Draw a record of a layout."""
    texts = []
    for name in names:
        if draw(st.integers(0, 9)) == 0:
            texts.append("-")
        elif name in reference.LARGEST:
            zeros = "0" * draw(st.sampled_from([0, 0, 0, 1, 25]))
            texts.append(zeros + str(draw(COUNTS[reference.LARGEST[name]])))
        elif name in reference.TIMES:
            texts.append(str(draw(MOMENTS)))
        else:
            texts.append(draw(WORDS))
    return " ".join(texts).encode()


@st.composite
def bad_lines(draw: st.DrawFn, names: Sequence[str]) -> bytes:
    """Draw a line that can be no record of a layout."""
    tokens = draw(record_lines(names)).split(b" ")
    known = reference.TGW_NAMES if reference.is_tgw(names) else reference.NAMES
    counted = {*reference.LARGEST, *reference.TIMES} & set(known)
    numbers = [place for place, name in enumerate(names) if name in counted]
    kind = draw(st.sampled_from(["fields", "control", "text", "long", *["number"] * 4]))
    if kind == "number" and numbers:
        odd = [
            b"-1",
            b"-0",
            b"-00",
            b"+1",
            b"1.0",
            b"1e5",
            b"0x1",
            b"x",
            b"1_0",
            b"--",
            b"\xd9\xa2",
            str(2**64).encode(),
        ]
        tokens[draw(st.sampled_from(numbers))] = draw(st.sampled_from(odd))
    elif kind == "control":
        at = draw(st.integers(0, len(tokens) - 1))
        tokens[at] = b"a" + draw(st.sampled_from([b"\0", b"\t", b"\r", b"\r\r"])) + b"b"
    elif kind == "text":
        tokens[draw(st.integers(0, len(tokens) - 1))] = draw(
            st.sampled_from([b"\xff", b"a\xc3", b"\xed\xa0\x80"])
        )
    elif kind == "long":
        tokens[draw(st.integers(0, len(tokens) - 1))] = b"9" * 4097
    elif len(tokens) > 1 and draw(st.booleans()):
        tokens.pop()
    else:
        tokens.append(b"1")
    return b" ".join(tokens)


@st.composite
def spaced(draw: st.DrawFn, line: bytes) -> bytes:
    """Draw another spacing of a line, which says the same."""
    if draw(st.integers(0, 3)):
        return line
    line = line.replace(b" ", draw(st.sampled_from([b" ", b"  ", b"     "])))
    before = draw(st.sampled_from([b"", b" ", b"   ", reference.BOM, reference.BOM + b" " + reference.BOM]))
    return before + line + draw(st.sampled_from([b"", b" ", b"  ", b"\r", b" \r"]))


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Draw a log of records, bad lines, blank lines and headers, in one or two layouts."""
    lines: list[bytes] = []
    records = 0
    names = draw(layouts())
    is_default = names == list(reference.DEFAULT)
    if not is_default or draw(st.booleans()):
        lines.append(draw(spaced(" ".join(names).encode())))
    else:
        records += 1
        lines.append(draw(spaced(b"2 " + draw(record_lines(names)).partition(b" ")[2])))
    few = st.integers(0, 3)
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["record"] * 12 + ["bad"] * 2 + ["blank", "header", "layout"]))
        if kind == "record":
            repeated = 1 + draw(few)
            records += repeated
            lines += [draw(spaced(draw(record_lines(names))))] * repeated
        elif kind == "bad":
            lines.append(draw(spaced(draw(bad_lines(names)))))
        elif kind == "blank":
            lines += [draw(st.sampled_from([b"", b" ", b"\r"]))] * (1 + draw(few))
        elif kind == "header":
            lines.append(draw(spaced(" ".join(names).encode())))
        else:
            others = draw(layouts())
            if sum(name in reference.ALL_NAMES for name in others) >= 3:
                names = others
                lines.append(draw(spaced(" ".join(names).encode())))
    end = draw(st.sampled_from([b"\n", b"\n", b"\r\n"]))
    data = end.join(lines) + draw(st.sampled_from([end, b""]))
    return Log(data, records)


@settings(SETTINGS, max_examples=120)
@given(logs(), st.sampled_from([BLOCK_SIZE, 64, 500]))
def test_records_and_bad_lines_are_those_of_an_independent_reader(log: Log, size: int) -> None:
    expected = reference.read_bytes(log.data)
    found = parsed(log.data, size)
    assert len(expected.records) == log.records
    assert found.records == expected.records
    assert found.bad_numbers == expected.bad
    assert found.passed == expected.passed


@st.composite
def clean_logs(draw: st.DrawFn) -> Log:
    """Draw a log of nothing but records with a start, as nearly all are."""
    layouts = [
        reference.DEFAULT,
        (*reference.DEFAULT, EXTRA),
        ("srcaddr", "start", "bytes"),
        (*reference.TGW_NAMES, EXTRA),
        ("srcaddr", "start", "asg-tag"),
    ]
    names = draw(st.sampled_from(layouts))
    lines = [" ".join(names).encode()]
    for line in draw(st.lists(record_lines(names), max_size=6)):
        tokens = line.split(b" ")
        tokens[names.index("start")] = str(draw(MOMENTS)).encode()
        lines.append(b" ".join(tokens))
    return Log(b"\n".join(lines) + draw(st.sampled_from([b"\n", b""])), len(lines) - 1)


def stored(db: flowdb.FlowDB, view: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return the columns of a view, and its rows, each after the name of its source and its date."""
    columns = db.sql(f"SELECT * EXCLUDE (date, source_id) FROM {view}").columns
    rows = db.sql(f"""
        SELECT name, date, {view}.* EXCLUDE (date, source_id) FROM {view} JOIN sources USING (source_id)
    """).fetchall()
    return columns, sorted(rows, key=repr)


def damaged_log(data: bytes) -> Log:
    return Log(HEADER + b"\n" + data)


@settings(SETTINGS, max_examples=10)
@given(
    st.lists(clean_logs(), min_size=2, max_size=40)
    | st.lists(logs() | mutated().map(damaged_log), min_size=2, max_size=40)
)
def test_many_logs_in_one_ingest_are_each_what_an_independent_reader_reads(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Log]
) -> None:
    folder = tmp_path_factory.mktemp("many")
    expected: dict[str, reference.Reference] = {}
    for number, log in enumerate(drawn):
        if isinstance(read(log.data), str):
            continue
        path = folder / "logs" / (f"{number}.log.gz" if number % 2 else f"{number}.log")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(log.data) if number % 2 else log.data)
        os.utime(path, (0, 0))
        expected[path.name] = reference.read(path)
    if not expected:
        return
    with flowdb.open(folder / "flows") as db:
        report = db.ingest(folder / "logs")
        found = {view: stored(db, view) for view in ("flows", "tgw_flows")}
        bad = db.sql("""
            SELECT name, line_number FROM bad_lines JOIN sources USING (source_id) ORDER BY ALL
        """).fetchall()
    assert report.failures == []
    for view, (columns, rows) in found.items():
        assert rows == sorted(
            (
                (name, reference.record_date(one) or date(1970, 1, 1), *map(one.get, columns))
                for name, log in expected.items()
                for one in (log.flows if view == "flows" else log.tgw_flows)
            ),
            key=repr,
        )
    assert bad == sorted((name, number) for name, log in expected.items() for number in log.bad)
