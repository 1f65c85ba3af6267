"""Parquet to Arrow tables of records, and the rows that are none.

A file is one of two: flow logs as AWS delivers them to S3, a column for each field, in whatever
types; or Security Lake's, whose columns `flowdb.ocsf` finds. Each row is a record or a bad line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flowdb import ocsf, tags
from flowdb.arrays import number, numbers, texts
from flowdb.compression import Damaged
from flowdb.errors import gist
from flowdb.fields import Field, Kind, arrow_type
from flowdb.foreign import decoded, field_name, is_text, plain, spelled, whole_numbers
from flowdb.layouts import Layout, LayoutUnknown, header_names, named_layout
from flowdb.records import BadLine, Batch
from flowdb.values import (
    LONGEST_FIELD,
    LONGEST_KEPT,
    MILLISECONDS_MAX,
    READ_AS,
    control_character,
    no_number,
    no_utf8,
    shown,
    spelled_numbers,
    stored,
    too_long,
)

__all__ = ["is_parquet", "parquet_batches"]

_MAGIC = (b"PAR1", b"PARE")
_ROWS = 1 << 16
_BUFFER = 1 << 20
_LARGEST_BATCH = 256 << 20
_CONTROL = re.compile(rb"[\0\t\n\r]")
_NULL = texts([None])[0]
_NO_VALUE = list(texts(["-", ""]))
_NO_NUMBER = list(texts(["-", "", "None"]))
_MILLISECONDS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}
# Of all that can be wrong with a row, what is told is what the text parser would find first.
_OTHER_CLASS, _NO_UTF8, _CONTROLS, _TOO_LONG, _NO_NUMBERS = range(5)


def is_parquet(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes, four or more, is Parquet, maybe encrypted."""
    return head.startswith(_MAGIC)


def parquet_batches(file: BinaryIO, unpacked: Callable[[int], None] = lambda _size: None) -> Iterator[Batch]:
    """Yield what the rows of a Parquet file hold, in batches; numbers of bad lines are those of rows, from 1.

    A file without rows has one batch, which is empty. `unpacked` is told how many bytes will
    be taken before they are. Raises `LayoutUnknown` when the columns are not those of flow
    logs, and `Damaged` where the file breaks.
    """
    with _damage_told():
        metadata = pq.read_metadata(file)
        if metadata.num_rows:
            unpacked(max(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups)))
        parquet = pq.ParquetFile(
            file,
            metadata=metadata,
            # A dictionary of one long value can stand for any number of rows: it is looked at before.
            read_dictionary=_texts_of(metadata.schema),
            buffer_size=_BUFFER,
            coerce_int96_timestamp_unit="ms",
            page_checksum_verification=True,
        )
        schema = parquet.schema_arrow
        names = [field_name(name) for name in schema.names]
        rows_promised = parquet.metadata.num_rows
        batches = parquet.iter_batches(batch_size=_ROWS, use_threads=False)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise LayoutUnknown(f"it has two columns for {', '.join(twice)}")
    columns_of = ocsf.flow_columns if ocsf.is_ocsf(schema) else _native(tuple(names))
    done = 0
    while True:
        with _damage_told():
            rows = next(batches, None)
        if rows is None:
            break
        with _damage_told():  # by what stands for a value and is none
            size = _size(rows.columns)
        unpacked(size)
        for piece in _pieces(rows):
            yield _batch(*columns_of(_whole(piece)), first=done + 1)
            done += len(piece)
    if done != rows_promised:
        raise Damaged(f"its Parquet data has {done:,} rows, not the {rows_promised:,} that it tells of")
    if not done:
        no_rows = pa.record_batch([pa.nulls(0, one.type) for one in schema], schema=schema)
        yield Batch(columns_of(no_rows)[0])


def _texts_of(schema: pq.ParquetSchema) -> list[str]:
    """Return the columns of texts that are part of no other; pyarrow keeps no dictionaries in structs."""
    columns = (schema.column(n) for n in range(len(schema)))
    return [one.path for one in columns if one.physical_type == "BYTE_ARRAY" and one.path == one.name]


def _pieces(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches that take no more memory than others, unless one row does."""
    if len(rows) < 2 or _size(rows.columns) <= _LARGEST_BATCH:
        yield rows
        return
    half = len(rows) // 2
    yield from _pieces(rows.slice(0, half))
    yield from _pieces(rows.slice(half))


def _whole(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows of which none is a part of more: older pyarrow loses its way in parts of structs."""
    if any(column.offset and pa.types.is_nested(column.type) for column in rows.columns):
        return rows.take(numbers(list(range(len(rows)))))
    return rows


def _size(columns: Iterable[pa.Array]) -> int:
    """Return how many bytes columns will have when they are no dictionaries any more.

    Raises `pa.ArrowIndexError` where a value is to be none of its dictionary.
    """
    size = 0
    for column in columns:
        if pa.types.is_struct(column.type):
            size += _size(column.flatten())
        elif pa.types.is_dictionary(column.type) and is_text(column.type.value_type):
            bounds = pc.min_max(column.indices).as_py()
            if bounds["max"] is not None and not 0 <= bounds["min"] <= bounds["max"] < len(column.dictionary):
                raise pa.ArrowIndexError("a value is none of its dictionary")
            sizes = pc.binary_length(column.dictionary)
            most = (pc.max(sizes).as_py() or 0) * len(column)
            size += most if most < _BUFFER else pc.sum(sizes.take(column.indices)).as_py() or 0
        else:
            size += column.nbytes
    return size


_Columns = tuple[Layout, list[list[pa.Array]], pa.Array]


def _native(names: tuple[str, ...]) -> Callable[[pa.RecordBatch], _Columns]:
    """Return what finds the fields in rows whose columns have these names."""
    layout = named_layout(names)
    if not any(map(header_names, names)):
        raise LayoutUnknown("none of its columns is a field of flow logs" if names else "it has no columns")

    def columns_of(rows: pa.RecordBatch) -> _Columns:
        return layout, [[column] for column in rows.columns], pa.nulls(len(rows), pa.string())

    return columns_of


@contextmanager
def _damage_told() -> Iterator[None]:
    """Raise `Damaged` for what pyarrow says of a file that it cannot read."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk, not of the file
        said = gist(str(error))
        if "crypt" in said:
            raise Damaged("it is encrypted Parquet, and flowdb has no keys") from None
        raise Damaged(f"its Parquet data cannot be read ({said[:200]})") from None


class _Faults:
    """What is wrong with rows: of each, the first that the text parser would find."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[int, str]] = {}

    def note(self, rank: int, is_wrong: pa.Array, reasons: Callable[[pa.Array], list[str]]) -> None:
        """Note why the rows are wrong that are, but for those of which something worse is known."""
        rows = pc.indices_nonzero(is_wrong)
        if not len(rows):
            return
        for row, reason in zip(rows.to_pylist(), reasons(rows), strict=True):
            if row not in self._found or rank < self._found[row][0]:
                self._found[row] = rank, reason

    @property
    def reasons(self) -> dict[int, str]:
        """The rows that are wrong, in order, and why."""
        return {row: reason for row, (_, reason) in sorted(self._found.items())}


def _batch(layout: Layout, columns: list[list[pa.Array]], refusals: pa.Array, first: int) -> Batch:
    """Return the records and the bad lines in columns, of which several may hold one field."""
    batch = Batch(layout)
    faults = _Faults()
    faults.note(_OTHER_CLASS, pc.is_valid(refusals), lambda rows: refusals.take(rows).to_pylist())
    columns = [[plain(column) for column in places] for places in columns]
    table = pa.table(
        [
            _first([_read(column, one, faults) for column in places])
            for one, places in zip(layout.fields, columns, strict=True)
        ],
        names=[one.column for one in layout.fields],
    )
    if reasons := faults.reasons:
        bad = numbers(list(reasons))
        lines = _lines(columns, bad)
        batch.bad = [
            BadLine(first + row, reason, shown(line))
            for (row, reason), line in zip(reasons.items(), lines, strict=True)
        ]
        good = [row not in reasons for row in range(len(table))]
        table = table.filter(pa.array(good))
    if len(table):
        batch.records.append(table)
    return batch


def _first(columns: list[pa.Array]) -> pa.Array:
    """Return of each row the first value that a column has."""
    return pc.coalesce(*columns) if len(columns) > 1 else columns[0]


def _lines(columns: list[list[pa.Array]], rows: pa.Array) -> list[bytes]:
    """Return rows as the lines that they would be in a log, but for what is too long to be kept."""
    fields = [_first([spelled(column.take(rows)) for column in places]) for places in columns]
    kept = [pc.fill_null(pc.binary_slice(one, 0, LONGEST_KEPT * 4), b"-") for one in fields]
    return pc.binary_join_element_wise(*kept, b" ").to_pylist()  # type: ignore[no-any-return]


def _read(column: pa.Array, one: Field, faults: _Faults) -> pa.Array:
    """Return a column as its field is stored, NULL where a value is none of the field."""
    kind = column.type
    if one.kind.is_text:
        return _read_text(column, one, faults)
    if one.kind is Kind.TIME and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        values, valid = _moments(column)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values, valid = _counts(column, one.kind)
    else:
        values, valid = spelled_numbers(_without(_decode(column, faults), _NO_NUMBER), one.kind)
    faults.note(
        _NO_NUMBERS,
        pc.invert(valid),
        lambda rows: [no_number(one, shown(value)) for value in spelled(column.take(rows)).to_pylist()],
    )
    if pa.types.is_timestamp(values.type):
        return values
    return stored(pa.chunked_array([values]), one.kind).combine_chunks()


def _read_text(column: pa.Array, one: Field, faults: _Faults) -> pa.Array:
    text = _without(_decode(column, faults), _NO_VALUE)
    sizes = pc.binary_length(text)
    if (pc.max(sizes).as_py() or 0) > LONGEST_FIELD:
        is_long = pc.fill_null(pc.greater(sizes, number(LONGEST_FIELD)), False)
        faults.note(
            _TOO_LONG, is_long, lambda rows: [too_long(one, size) for size in sizes.take(rows).to_pylist()]
        )
        text = pc.if_else(is_long, None, text)
    if one.name.endswith("account-id") and not is_text(column.type):
        # Whoever made a number of it lost the zeros that lead.
        text = pc.if_else(pc.match_substring_regex(text, r"\A[0-9]+\z"), pc.utf8_lpad(text, 12, "0"), text)
    return tags.decoded(text) if one.kind is Kind.TAG else text


def _decode(column: pa.Array, faults: _Faults) -> pa.Array:
    """Return a column as text, NULL where a line could not have it."""
    raw = spelled(column)
    text, valid = decoded(raw)
    faults.note(
        _NO_UTF8,
        pc.invert(valid),
        lambda rows: [_first_bad_byte(value) for value in raw.take(rows).to_pylist()],
    )
    content = text.buffers()[2]
    if content is not None and _CONTROL.search(content):
        has_control = pc.fill_null(pc.match_substring_regex(text, _CONTROL.pattern.decode()), False)
        faults.note(
            _CONTROLS,
            has_control,
            lambda rows: [_first_control(value) for value in raw.take(rows).to_pylist()],
        )
        text = pc.if_else(has_control, None, text)
    return text


def _first_bad_byte(value: bytes) -> str:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return no_utf8(value[error.start])
    raise AssertionError(value)


def _first_control(value: bytes) -> str:
    found = _CONTROL.search(value)
    assert found
    return control_character(found[0][0])


def _without(text: pa.Array, none: Sequence[pa.Scalar]) -> pa.Array:
    """Return texts with NULL for those that stand for no value."""
    for word in none:
        stands_for_none = pc.equal(text, word)
        if pc.any(stands_for_none).as_py():
            text = pc.if_else(stands_for_none, _NULL, text)
    return text


def _moments(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return dates and times as times are stored, and whether each one is NULL or can be."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    times, parts = _MILLISECONDS[column.type.unit]
    latest = min((MILLISECONDS_MAX + 1) * parts // times - 1, 2**63 - 1)
    moments, valid = _in_range(column.cast(pa.int64()), latest)
    milliseconds = pc.divide(pc.multiply(moments, number(times)), number(parts))
    return milliseconds.cast(arrow_type(Kind.TIME)), valid


def _counts(column: pa.Array, kind: Kind) -> tuple[pa.Array, pa.Array]:
    """Return numbers as the parser reads them, and whether each one is NULL or in the range of its kind."""
    if pa.types.is_floating(column.type):
        # What some writers have for a number that is missing.
        column = pc.if_else(pc.is_nan(column), None, column)
        whole = whole_numbers(column)
        is_whole = pc.equal(pc.is_null(whole), pc.is_null(column))
        values, valid = _in_range(whole, _largest(kind))
        return values.cast(READ_AS[kind]), pc.and_(valid, is_whole)
    if column.type == pa.uint64():
        # What is over the half of it becomes negative, and so is out of range.
        column = column.cast(pa.int64(), safe=False)
    values, valid = _in_range(column.cast(pa.int64()), _largest(kind))
    return values.cast(READ_AS[kind]), valid


def _largest(kind: Kind) -> int:
    return MILLISECONDS_MAX if kind is Kind.TIME else kind.largest


def _in_range(values: pa.Array, largest: int) -> tuple[pa.Array, pa.Array]:
    """Return integers, NULL where they are out of range, and whether each one is NULL or not."""
    is_in = pc.and_(pc.greater_equal(values, number(0)), pc.less_equal(values, number(largest)))
    valid = pc.or_kleene(is_in, pc.is_null(values))
    return (values, valid) if pc.all(valid).as_py() else (pc.if_else(valid, values, None), valid)
