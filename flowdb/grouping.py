"""Rows with the same keys, added up: by compiled code where flowdb was installed with it, else by pyarrow."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number

__all__ = ["grouped", "ordered"]

_HOW = {"sum": 0, "min": 1, "max": 2}
_LARGEST = 2**63 - 1
_PLACE = "place"
_NULL = pa.nulls(1, pa.int64())[0]
_SEED = int.from_bytes(os.urandom(8), "little")
_rooms = threading.local()


_Values = Mapping[str, tuple[pa.Array, str]]
_Groups = tuple[list[pa.Array], dict[str, pa.Array]]


def grouped(keys: Sequence[pa.Array], values: _Values, wanted: pa.Array | None = None) -> _Groups:
    """Return the keys of every group, in the order of their first rows, and what its values come to.

    Keys are 32-bit numbers without NULL, values 64-bit ones, each with `sum`, `min` or `max`. NULLs are
    passed over; a sum that is larger than the largest number is that. Rows that are not `wanted`, which
    tells true or false of each, are in no group.
    """
    compiled = native.functions()
    if compiled is not None and (wanted is None or not wanted.offset):
        return _compiled(compiled, keys, values, wanted)
    if wanted is not None:
        keys = [key.filter(wanted) for key in keys]
        values = {name: (column.filter(wanted), how) for name, (column, how) in values.items()}
    return _by_pyarrow(keys, values)


def _compiled(
    functions: ctypes.CDLL, keys: Sequence[pa.Array], values: _Values, wanted: pa.Array | None
) -> _Groups:
    rows = len(keys[0])
    slots = 1 << max(rows, 1).bit_length() + 1
    columns = (ctypes.c_void_p * len(keys))(*(_address(key, 4) for key in keys))
    table, known, group = (
        _room(name, size) for name, size in (("table", slots), ("known", rows * len(keys)), ("group", rows))
    )
    groups = functions.flowdb_group(
        rows,
        len(keys),
        ctypes.addressof(columns),
        None if wanted is None else wanted.buffers()[1].address,
        _SEED,
        slots,
        table.address,
        known.address,
        group.address,
    )
    found = []
    for index in range(len(keys)):
        column = pa.allocate_buffer(groups * 4)
        functions.flowdb_key(groups, len(keys), index, known.address, column.address)
        found.append(pa.Array.from_buffers(pa.int32(), groups, [None, column]))
    return found, {
        name: _combined(functions, group, groups, column, how) for name, (column, how) in values.items()
    }


def ordered(columns: Sequence[pa.Array]) -> pa.Array:
    """Return the numbers of rows in the order of columns: of 64-bit numbers, none negative or NULL."""
    compiled = native.functions()
    if compiled is None:
        names = [str(n) for n in range(len(columns))]
        return pc.sort_indices(pa.table([*columns], names=names), [(name, "ascending") for name in names])
    rows = len(columns[0])
    order = pc.subtract(_places(rows), number(1)).cast(pa.int32()).buffers()[1]
    other = pa.allocate_buffer(rows * 4)
    for column in reversed(columns):
        if compiled.flowdb_sort(rows, _address(column, 8), order.address, other.address) % 2:
            order, other = other, order
    return pa.Array.from_buffers(pa.int32(), rows, [None, order])


def _room(name: str, numbers: int) -> pa.Buffer:
    """Return memory for numbers of 32 bits, which this thread takes again and again: new pages cost time."""
    kept = getattr(_rooms, name, None)
    if kept is None or kept.size < numbers * 4:
        kept = pa.allocate_buffer(numbers * 4)
        setattr(_rooms, name, kept)
    return kept


def _combined(functions: ctypes.CDLL, group: pa.Buffer, groups: int, column: pa.Array, how: str) -> pa.Array:
    there, total = pa.py_buffer(bytearray(groups)), pa.py_buffer(bytearray(groups * 8))
    valid = column.buffers()[0] if column.null_count else None
    functions.flowdb_combine(
        _HOW[how],
        len(column),
        group.address,
        _address(column, 8),
        valid.address if valid else None,
        column.offset,
        total.address,
        there.address,
    )
    made = pa.Array.from_buffers(pa.int64(), groups, [None, total])
    if not column.null_count:
        return made
    return pc.if_else(pa.Array.from_buffers(pa.uint8(), groups, [None, there]).cast(pa.bool_()), made, _NULL)


def _address(column: pa.Array, width: int) -> int:
    """Return where the first value of a column of numbers lies."""
    return int(column.buffers()[1].address + column.offset * width)


def _by_pyarrow(keys: Sequence[pa.Array], values: _Values) -> _Groups:
    names = [f"key {n}" for n in range(len(keys))]
    columns = dict(zip(names, keys, strict=True)) | {_PLACE: _places(len(keys[0]))}
    wanted = [(_PLACE, "min")]
    for name, (column, how) in values.items():
        columns[name] = _without_overflow(column) if how == "sum" else column
        wanted.append((name, how))
    found = pa.table(columns).group_by(names, use_threads=False).aggregate(wanted).sort_by(f"{_PLACE}_min")
    sums = {}
    for name, (_, how) in values.items():
        made = found[f"{name}_{how}"]
        if pa.types.is_decimal(made.type):
            most = number(_LARGEST).cast(made.type)
            made = pc.if_else(pc.greater(made, most), most, made).cast(pa.int64())
        sums[name] = made.combine_chunks()
    return [found[name].combine_chunks() for name in names], sums


def _without_overflow(column: pa.Array) -> pa.Array:
    """Return the values in a type in which they can be added up."""
    largest = pc.max(column).as_py() or 0
    return column.cast(pa.decimal128(38)) if largest * len(column) > _LARGEST else column


def _places(rows: int) -> pa.Array:
    """Return the numbers of the rows, from 1."""
    return pc.cumulative_sum(pa.repeat(number(1), rows))
