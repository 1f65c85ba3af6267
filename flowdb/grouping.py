"""Rows with the same keys, added up: by compiled code where flowdb was installed with it, else by pyarrow."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number

__all__ = ["grouped"]

_HOW = {"sum": 0, "min": 1, "max": 2}
_LARGEST = 2**63 - 1
_FIRST = "flowdb_first"


def grouped(
    keys: Sequence[pa.Array], values: Mapping[str, tuple[pa.Array, str]]
) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Return the first row of every group, in order, and what its values come to.

    Keys are 32-bit numbers without NULL, values 64-bit ones, each with `sum`, `min` or `max`. NULLs are
    passed over; a sum that is larger than the largest number is that.
    """
    compiled = native.functions()
    return _by_pyarrow(keys, values) if compiled is None else _compiled(compiled, keys, values)


def _compiled(
    functions: ctypes.CDLL, keys: Sequence[pa.Array], values: Mapping[str, tuple[pa.Array, str]]
) -> tuple[pa.Array, dict[str, pa.Array]]:
    rows = len(keys[0])
    slots = 1 << max(rows, 1).bit_length() + 1
    columns = (ctypes.c_void_p * len(keys))(*(_address(key, 4) for key in keys))
    table = pa.py_buffer(bytearray(slots * 4))
    known = pa.allocate_buffer(rows * len(keys) * 4)
    group, first = pa.allocate_buffer(rows * 4), pa.allocate_buffer(rows * 4)
    groups = functions.flowdb_group(
        rows,
        len(keys),
        ctypes.addressof(columns),
        slots,
        table.address,
        known.address,
        group.address,
        first.address,
    )
    sums = {}
    for name, (column, how) in values.items():
        found, total = pa.py_buffer(bytearray(groups)), pa.py_buffer(bytearray(groups * 8))
        valid = column.buffers()[0] if column.null_count else None
        functions.flowdb_combine(
            _HOW[how],
            rows,
            group.address,
            _address(column, 8),
            valid.address if valid else None,
            column.offset,
            total.address,
            found.address,
        )
        made = pa.Array.from_buffers(pa.int64(), groups, [None, total])
        if column.null_count:
            there = pa.Array.from_buffers(pa.uint8(), groups, [None, found]).cast(pa.bool_())
            made = pc.if_else(there, made, None)
        sums[name] = made
    return pa.Array.from_buffers(pa.int32(), groups, [None, first.slice(0, groups * 4)]), sums


def _address(column: pa.Array, width: int) -> int:
    """Return where the first value of a column of numbers lies."""
    return int(column.buffers()[1].address) + column.offset * width


def _by_pyarrow(
    keys: Sequence[pa.Array], values: Mapping[str, tuple[pa.Array, str]]
) -> tuple[pa.Array, dict[str, pa.Array]]:
    names = [f"flowdb_key_{n}" for n in range(len(keys))]
    columns = dict(zip(names, keys, strict=True))
    columns[_FIRST] = _places(len(keys[0]))
    wanted = [(_FIRST, "min")]
    for name, (column, how) in values.items():
        columns[name] = _without_overflow(column) if how == "sum" else column
        wanted.append((name, how))
    found = pa.table(columns).group_by(names, use_threads=False).aggregate(wanted).sort_by(f"{_FIRST}_min")
    sums = {}
    for name, (_, how) in values.items():
        made = found[f"{name}_{how}"]
        if pa.types.is_decimal(made.type):
            most = pa.scalar(_LARGEST).cast(made.type)
            made = pc.if_else(pc.greater(made, most), most, made).cast(pa.int64())
        sums[name] = made.combine_chunks()
    return found[f"{_FIRST}_min"].combine_chunks(), sums


def _without_overflow(column: pa.Array) -> pa.Array:
    """Return the values in a type in which they can be added up."""
    largest = pc.max(column).as_py() or 0
    return column.cast(pa.decimal128(38)) if largest * len(column) > _LARGEST else column


def _places(rows: int) -> pa.Array:
    """Return the numbers of the rows."""
    ones = pa.repeat(number(1).cast(pa.int32()), rows)
    return pc.subtract(pc.cumulative_sum(ones), number(1).cast(pa.int32()))
