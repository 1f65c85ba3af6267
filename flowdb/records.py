"""Record bytes to Arrow tables, and the lines that would not parse.

Pure: no files, no DuckDB. A block of lines is read at once, by compiled code or by pyarrow's
CSV reader. Only a block in which that fails, or in which it might read what is not there, is
looked at line by line; all ways read the same records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from flowdb import native
from flowdb.arrays import number, texts
from flowdb.errors import plural
from flowdb.fields import BY_NAME, Kind
from flowdb.layouts import Layout, header_names, named_layout, sniff, starts_layout
from flowdb.lines import CUT, blank_until, first_lines
from flowdb.tags import decoded
from flowdb.values import (
    LONGEST_FIELD,
    READ_AS,
    Doubtful,
    control_character,
    no_number,
    no_utf8,
    shown,
    spelled_numbers,
    stored,
    too_long,
)
from flowdb.words import spelled

__all__ = [
    "BadLine",
    "Batch",
    "Parser",
    "beginning",
    "has_header",
    "parse",
    "read_clean",
]

_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\0\t\r]")
# Where these bytes are, pyarrow's reader and a strict one may differ: it trims tabs off numbers, ends
# lines at a carriage return, drops a byte-order mark at the start of a block, and reads 0x10 as 16.
# Without them, and with blank lines refused, the rows that it returns are the lines that it was given.
_DOUBTFUL = (b"\0", b"\t", b"\r", b"\xef")
_HEXADECIMAL = tuple(lead + digits for lead in (b" ", b"\n") for digits in (b"0x", b"0X"))
_TRUE = pc.is_valid(number(0))
_BLANK_LINES = b"\n" * 64
_STEP = 1 << 14
_PARSE_OPTIONS = csv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False)
_SNIFFED_LINES = 100
_FIELD_NAMES = texts(list(BY_NAME))


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no record: its number in the source (from 1), why, and its text."""

    number: int
    reason: str
    text: str


@dataclass(slots=True)
class Batch:
    """What a block held: every line is a row of `records`, one of `bad`, or `passed` (header or blank).

    A table of `records` has the columns of its layout, in their stored types, or of texts as
    codes into a dictionary; there is one for each layout that the block had. `layout` is the
    one in force where the block ended.
    """

    layout: Layout
    records: list[pa.Table] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)
    passed: int = 0

    @property
    def lines(self) -> int:
        """The number of lines that the block had."""
        return sum(map(len, self.records)) + len(self.bad) + self.passed


def parse(blocks: Iterable[bytes], given: Layout | None = None) -> Iterator[Batch]:
    """Yield what each block of whole lines of one source holds; the first block tells the layout.

    The layout that is `given` is taken where there is no header. Raises `LayoutUnknown` when
    neither tells, or when a later header makes no layout.
    """
    parser = None
    for block in blocks:
        if parser is None:
            block = block.removeprefix(_BOM)
            parser = Parser(_first_layout(block, given))
        yield parser.feed(block)


def has_header(start: bytes) -> bool:
    """Tell whether a text that begins so has a header, and all of it is there: no more tells its layout."""
    lines = first_lines(start, 1)
    return (
        b"\n" in start[blank_until(start, lines=True) :]
        and bool(lines)
        and bool(header_names(_decoded(lines)[0]))
    )


def beginning(content: bytes, given: Layout | None = None) -> tuple[int, Layout, int]:
    """Return where in a text its records begin, their layout, and how many lines stand before them.

    It is a whole one, or the beginning of one that has a header.
    """
    begins = len(_BOM) if content.startswith(_BOM) else 0
    text = content[begins:]
    parser = Parser(_first_layout(text, given))
    end = parser.take_header(text)
    return begins + end, parser.layout, _count_lines(text[:end])


def read_clean(
    block: bytes | memoryview, layout: Layout, start: int = 0, lines: int | None = None
) -> pa.Table | None:
    """Return the records of a block whose every line is one, with single spaces; else None.

    What lies before `start` is passed over. Whoever knows how many `lines` there are saves counting them.
    """
    columns = native.read(block, layout, start, LONGEST_FIELD, lines)
    columns = columns or _read_csv(bytes(block), layout, start)
    if columns is None or _may_hold_header(layout, columns):
        return None
    return _table(layout, columns)


def _read_csv(block: bytes, layout: Layout, start: int) -> list[pa.ChunkedArray] | None:
    if any(byte in block for byte in _DOUBTFUL) or _may_hold_hexadecimal(block, start) or _is_blank(block):
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(block).slice(start)),
            read_options=_read_options(layout, len(block)),
            parse_options=_PARSE_OPTIONS,
            convert_options=_convert_options(layout, block.isascii()),
        )
        return [stored(column, one.kind) for one, column in zip(layout.fields, table.columns, strict=True)]
    except (pa.ArrowInvalid, Doubtful):
        return None


def _first_layout(block: bytes, given: Layout | None) -> Layout:
    lines = _decoded(first_lines(block, 1))
    if lines and not header_names(lines[0]):
        lines = _decoded(first_lines(block, _SNIFFED_LINES))
    return sniff(lines, given)


def _decoded(lines: list[bytes]) -> list[str]:
    return [line.decode("utf-8", "replace") for line in lines]


def _may_hold_header(layout: Layout, columns: Sequence[pa.Array | pa.ChunkedArray]) -> bool:
    """Tell whether a header may have been read as a record, for want of a number in the layout."""
    if any(not one.kind.is_text for one in layout.fields):
        return False
    lowered = (pc.replace_substring(pc.ascii_lower(spelled(column)), "_", "-") for column in columns)
    return any(pc.any(pc.is_in(names, value_set=_FIELD_NAMES)).as_py() for names in lowered)


class Parser:
    """Reads the blocks of one source in order; keeps its line numbers and its present layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._lines = 0

    def feed(self, block: bytes) -> Batch:
        """Return what a block of whole lines holds; the last one of a source may lack its newline."""
        batch = Batch(self.layout)
        end = self.take_header(block)
        batch.passed = _count_lines(block[:end])
        if end < len(block) and not (
            self._read_at_once(block, end, batch) or self._read_tidied(block[end:], batch)
        ):
            self._read_lines(block[end:], self._lines + batch.passed + 1, batch)
        self._lines += batch.lines
        batch.layout = self.layout
        return batch

    def take_header(self, block: bytes) -> int:
        """Take the layout of the header that a block begins with, and return where that ends, or 0.

        Blank lines may stand before it.
        """
        start = blank_until(block, lines=True)
        end = block.find(b"\n", start) + 1 or len(block)
        layout = self._header(block[start:end].rstrip(b" \r\n"))
        if layout is None:
            return 0
        self.layout = layout
        return end

    def _header(self, line: bytes) -> Layout | None:
        """Return the layout that a line names, if it repeats the present header or is another one."""
        if line == self.layout.header:
            return self.layout
        if not line[:1].isalpha() or not line.isascii():
            return None
        names = header_names(line.decode())
        if names is None or not starts_layout(names, self.layout):
            return None
        return named_layout(names)

    def _read_at_once(self, block: bytes, start: int, batch: Batch) -> bool:
        table = read_clean(block, self.layout, start)
        if table is not None:
            batch.records.append(table)
        return table is not None

    def _read_tidied(self, body: bytes, batch: Batch) -> bool:
        """Read a body that is all records but for blank lines, the same header again, and spare spaces."""
        tidied = _tidied(body)
        if self.layout.header in tidied:
            # A line that the header ends, or begins, is none: what is left of it is no record.
            tidied = (b"\n" + tidied).replace(b"\n" + self.layout.header + b"\n", b"\n")[1:]
        if tidied and not self._read_at_once(tidied, 0, batch):
            return False
        batch.passed += _count_lines(body) - _count_lines(tidied)
        return True

    def _read_lines(self, body: bytes, first: int, batch: Batch) -> None:
        """Read a body line by line; `first` is the number of the first line."""
        rows: list[list[bytes]] = []
        lines: list[tuple[int, bytes]] = []
        for line_number, raw in enumerate(body.removesuffix(b"\n").split(b"\n"), first):
            line = raw[blank_until(raw) :].rstrip(b" \r")
            if not line:
                batch.passed += 1
                continue
            if layout := self._header(line):
                self._read_rows(rows, lines, batch)
                self.layout, rows, lines = layout, [], []
                batch.passed += 1
                continue
            tokens = [token for token in line.split(b" ") if token]
            if reason := self._reason_against(line, tokens):
                batch.bad.append(BadLine(line_number, reason, shown(raw)))
            else:
                rows.append(tokens)
                lines.append((line_number, raw))
        self._read_rows(rows, lines, batch)
        batch.bad.sort(key=lambda bad: bad.number)

    def _reason_against(self, line: bytes, tokens: Sequence[bytes]) -> str | None:
        """Return why a line cannot be a record of the present layout, or None."""
        if line.endswith(CUT):
            return "the line is too long"
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return no_utf8(line[error.start])
        if control := _CONTROL.search(line):
            return control_character(control[0][0])
        fields = self.layout.fields
        if len(tokens) != len(fields):
            return f"{plural(len(tokens), 'field')}, the layout has {len(fields)}"
        for one, token in zip(fields, tokens, strict=True):
            if len(token) > LONGEST_FIELD and one.kind.is_text:
                return too_long(one, len(token))
        return None

    def _read_rows(self, rows: list[list[bytes]], lines: list[tuple[int, bytes]], batch: Batch) -> None:
        """Read the records that these lines hold; a line is bad if a number in it is."""
        if not rows:
            return
        columns = []
        good = pa.repeat(_TRUE, len(rows))
        for one, tokens in zip(self.layout.fields, zip(*rows, strict=True), strict=True):
            text = texts([None if token == b"-" else token.decode() for token in tokens])
            if one.kind.is_text:
                columns.append(text)
                continue
            numbers, valid = spelled_numbers(text, one.kind)
            for row in pc.indices_nonzero(pc.and_not(good, valid)).to_pylist():
                reason = no_number(one, text[row].as_py())
                line_number, raw = lines[row]
                batch.bad.append(BadLine(line_number, reason, shown(raw)))
            good = pc.and_(good, valid)
            columns.append(numbers)
        kept = [
            stored(pa.chunked_array([column.filter(good)]), one.kind)
            for one, column in zip(self.layout.fields, columns, strict=True)
        ]
        if pc.any(good).as_py():
            batch.records.append(_table(self.layout, kept))


def _count_lines(body: bytes) -> int:
    return body.count(b"\n") + (not body.endswith(b"\n") and bool(body))


def _tidied(body: bytes) -> bytes:
    """Return the body without blank lines, runs of spaces, and spaces at the ends of lines."""
    body = body.replace(b"\r\n", b"\n")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \n", b"\n").replace(b"\n ", b"\n")
    while b"\n\n" in body:
        body = body.replace(b"\n\n", b"\n")
    return body.lstrip(b" \n").rstrip(b" ")


def _is_blank(block: bytes) -> bool:
    """Tell whether thousands of lines in a row are blank: pyarrow takes half a gigabyte to refuse it."""
    return any(block.startswith(_BLANK_LINES, at) for at in range(0, len(block), _STEP))


def _may_hold_hexadecimal(block: bytes, start: int) -> bool:
    if b"x" not in block and b"X" not in block:
        return False
    return block[start : start + 2].lower() == b"0x" or any(digits in block for digits in _HEXADECIMAL)


def _read_options(layout: Layout, size: int) -> csv.ReadOptions:
    return csv.ReadOptions(column_names=layout.names, use_threads=False, block_size=size + 1)


@lru_cache(maxsize=64)
def _convert_options(layout: Layout, is_ascii: bool) -> csv.ConvertOptions:
    return csv.ConvertOptions(
        check_utf8=not is_ascii,
        column_types={one.name: READ_AS.get(one.kind, pa.string()) for one in layout.fields},
        null_values=["-"],
        strings_can_be_null=True,
    )


def _table(layout: Layout, columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Table:
    stored = [
        decoded(column) if one.kind is Kind.TAG else column
        for one, column in zip(layout.fields, columns, strict=True)
    ]
    return pa.table(stored, names=[one.column for one in layout.fields])
