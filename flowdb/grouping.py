"""Adds up rows that have the same keys, and puts them in order: compiled where flowdb is, else by pyarrow.

Keys are columns of 32-bit numbers, none of them below 0, values those of 64-bit ones; both may have NULLs.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number

__all__ = ["UNWANTED", "Given", "Piece", "given", "grouped", "ordered", "taken"]

UNWANTED = -2
"""The first key of a row that belongs to no group."""
Piece = tuple[Sequence[pa.Array | None], Sequence[pa.Array | None]]
"""Keys and values of some rows; None is a column of NULLs alone, or of the value 1."""

_HOW = {"sum": 0, "min": 1, "max": 2}
_LARGEST = 2**63 - 1
_PLACE = "place"
_NONE = number(-1).cast(pa.int32())
_SEED = int.from_bytes(os.urandom(8), "little")
_KEPT_ROOM = 32 << 20
_rooms = threading.local()


class Given(ctypes.Structure):
    """What sums.c is told of a column; without values it is one of NULLs alone, or of the value 1."""

    _fields_ = (
        ("values", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("how", ctypes.c_int64),
    )


class _Made(ctypes.Structure):
    """Where sums.c writes a column, and says how many NULLs it has."""

    _fields_ = (("values", ctypes.c_void_p), ("valid", ctypes.c_void_p), ("nulls", ctypes.c_int64))
    nulls: int


def grouped(rows: int, pieces: Iterable[Piece], how: Sequence[str]) -> tuple[list[pa.Array], list[pa.Array]]:
    """Return the keys of every group, in the order of their first rows, and what its values come to.

    `how` says of each value whether it is the `sum`, `min` or `max`; NULLs are passed over, and a sum that is
    larger than the largest number is that. The pieces have so many `rows` in all.
    """
    compiled = native.functions()
    return _by_pyarrow(pieces, how) if compiled is None else _compiled(compiled, rows, pieces, how)


def ordered(keys: Sequence[pa.Array]) -> pa.Array:
    """Return the numbers of rows in the order of keys, NULLs first; what is the same stays in order."""
    compiled = native.functions()
    if compiled is None:
        names = [str(n) for n in range(len(keys))]
        by = [(name, "ascending") for name in names]
        return pc.sort_indices(pa.table([pc.fill_null(key, _NONE) for key in keys], names=names), by)
    rows = len(keys[0])
    order, room = pa.allocate_buffer(rows * 4), pa.allocate_buffer(rows * 32)
    told = (Given * len(keys))(*map(given, keys))
    compiled.flowdb_order(rows, len(keys), told, room.address, order.address)
    return pa.Array.from_buffers(pa.int32(), rows, [None, order])


def taken(column: pa.Array, order: pa.Array) -> pa.Array:
    """Return a column of numbers or codes in the order that `ordered` gave."""
    compiled = native.functions()
    if compiled is None:
        return column.take(order)
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(taken(column.indices, order), column.dictionary, safe=False)
    made = _Column(column.type, len(order))
    width = column.type.bit_width // 8
    compiled.flowdb_take(
        len(order), order.buffers()[1].address, ctypes.byref(given(column)), width, ctypes.byref(made.told)
    )
    return made.array()


def given(column: pa.Array | None, how: str = "sum") -> Given:
    """Return what the compiled code is told of a column; it is to be kept as long as that reads it."""
    if column is None:
        return Given()
    valid, values = column.buffers()
    return Given(
        values=values.address + column.offset * column.type.bit_width // 8,
        valid=valid.address if valid is not None and column.null_count else None,
        offset=column.offset,
        how=_HOW[how],
    )


class _Column:
    """A column that the compiled code fills."""

    def __init__(self, kind: pa.DataType, rows: int) -> None:
        self._kind, self._rows = kind, rows
        self._values = pa.allocate_buffer(rows * kind.bit_width // 8)
        self._valid = pa.allocate_buffer((rows + 63) // 64 * 8)
        self.told = _Made(self._values.address, self._valid.address, 0)

    def array(self, told: _Made | None = None) -> pa.Array:
        """Return it, filled; `told` is where its NULLs were counted, if not in this one's own."""
        nulls = (told or self.told).nulls
        return pa.Array.from_buffers(
            self._kind, self._rows, [self._valid if nulls else None, self._values], nulls
        )


def _compiled(
    compiled: ctypes.CDLL, rows: int, pieces: Iterable[Piece], how: Sequence[str]
) -> tuple[list[pa.Array], list[pa.Array]]:
    slots = 1 << max(rows, 1).bit_length() + 1
    table = _room("table", slots * 4)
    ctypes.memset(table.address, 0, slots * 4)
    count, groups, key_count = 0, None, 0
    for keys, values in pieces:
        if groups is None:
            key_count = len(keys)
            groups = _room("groups", (rows + 1) * 8 * compiled.flowdb_group_words(len(keys), len(how)))
        count = compiled.flowdb_group(
            len(next(key for key in keys if key is not None)),
            len(keys),
            (Given * len(keys))(*map(given, keys)),
            len(values),
            (Given * len(values))(*map(given, values, how)),
            _SEED,
            slots,
            table.address,
            count,
            groups.address,
        )
    if groups is None:
        return [], []
    kinds = [pa.int32()] * key_count + [pa.int64()] * len(how)
    columns = [_Column(kind, count) for kind in kinds]
    made = (_Made * len(columns))(*(column.told for column in columns))
    compiled.flowdb_columns(count, key_count, len(how), groups.address, made)
    found = [column.array(told) for column, told in zip(columns, made, strict=True)]
    return found[:key_count], found[key_count:]


def _room(name: str, size: int) -> pa.Buffer:
    """Return memory that this thread takes again and again, if it is not very much: new pages cost time."""
    kept = getattr(_rooms, name, None)
    if kept is None or kept.size < size:
        kept = pa.allocate_buffer(size)
        setattr(_rooms, name, kept if size <= _KEPT_ROOM else None)
    return kept


def _by_pyarrow(pieces: Iterable[Piece], how: Sequence[str]) -> tuple[list[pa.Array], list[pa.Array]]:
    tables = [_table(keys, values) for keys, values in pieces]
    if not tables:
        return [], []
    rows = pa.concat_tables(tables)
    rows = rows.filter(pc.fill_null(pc.not_equal(rows["key 0"], number(UNWANTED)), True)).combine_chunks()
    names = [name for name in rows.column_names if name.startswith("key ")]
    wanted = [(_PLACE, "min")]
    columns = {name: rows[name] for name in names} | {_PLACE: _places(len(rows))}
    for index, one in enumerate(how):
        value = rows[f"value {index}"]
        columns[f"value {index}"] = _without_overflow(value) if one == "sum" else value
        wanted.append((f"value {index}", one))
    found = pa.table(columns).group_by(names, use_threads=False).aggregate(wanted).sort_by(f"{_PLACE}_min")
    sums = []
    for index, one in enumerate(how):
        made = found[f"value {index}_{one}"]
        if pa.types.is_decimal(made.type):
            most = number(_LARGEST).cast(made.type)
            made = pc.if_else(pc.greater(made, most), most, made).cast(pa.int64())
        sums.append(_whole(made))
    return [_whole(found[name]) for name in names], sums


def _table(keys: Sequence[pa.Array | None], values: Sequence[pa.Array | None]) -> pa.Table:
    rows = len(next(key for key in keys if key is not None))
    columns = {
        f"key {n}": pa.nulls(rows, pa.int32()) if key is None else key for n, key in enumerate(keys)
    } | {
        f"value {n}": pa.repeat(number(1), rows) if value is None else value for n, value in enumerate(values)
    }
    return pa.table(columns)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def _without_overflow(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values in a type in which they can be added up."""
    largest = pc.max(column).as_py() or 0
    return column.cast(pa.decimal128(38)) if largest * len(column) > _LARGEST else column


def _places(rows: int) -> pa.Array:
    """Return the numbers of the rows, from 1."""
    return pc.cumulative_sum(pa.repeat(number(1), rows))
