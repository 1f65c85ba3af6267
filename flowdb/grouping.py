"""Adds up rows that have the same keys: compiled where flowdb is, else by pyarrow.

Keys are columns of 32-bit numbers, none of them below 0, values those of 64-bit ones; both may have NULLs.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number

__all__ = ["UNWANTED", "Column", "Given", "Groups", "given"]

UNWANTED = -2
"""The first key of a row that belongs to no group."""
Column: TypeAlias = "pa.Array | None"
"""Some rows of a column; None is a key that is always NULL, and of values the 1 that stands for a row."""

_HOW = {"sum": 0, "min": 1, "max": 2}
_LARGEST = 2**63 - 1
_NONE = number(-1).cast(pa.int32())
_SEED = int.from_bytes(os.urandom(8), "little")
_FEWEST_SLOTS = 1 << 12
_FEWEST_GROUPS = 3 << 16
_MOST_KEPT = 48 << 20


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


def given(column: Column, how: str = "sum") -> Given:
    """Return what the compiled code is told of a column, which is to be kept as long as that reads it."""
    if column is None:
        return Given(how=_HOW[how])
    valid, values = column.buffers()
    return Given(
        values=values.address + column.offset * column.type.bit_width // 8,
        valid=valid.address if valid is not None and column.null_count else None,
        offset=column.offset,
        how=_HOW[how],
    )


class Groups:
    """Groups of rows: so many keys, and of each value its `sum`, `min` or `max`, as `how` says.

    NULLs are passed over, and a sum that is larger than the largest number is that. Not for more
    than one thread.
    """

    def __init__(self, keys: int, how: Sequence[str]) -> None:
        self._keys = keys
        self._how = [*how]
        self._compiled = native.functions()
        self._count = 0
        self._put_away: pa.Buffer | None = None
        self._tables: list[pa.Table] = []

    def __len__(self) -> int:
        """Return the number of groups there are."""
        return self._count

    def add(self, rows: int, keys: Sequence[Column], values: Sequence[Column]) -> None:
        """Add rows."""
        if self._compiled is None:
            table = _table(rows, keys, values)
            self._tables = [_by_pyarrow([*self._tables, table], self._keys, self._how)]
            self._count = len(self._tables[0])
            return
        desk = self._desk()
        desk.make_room(rows)
        self._count = desk.count = self._compiled.flowdb_group(
            rows,
            self._keys,
            (Given * self._keys)(*map(given, keys)),
            len(self._how),
            (Given * len(self._how))(*map(given, values, self._how)),
            _SEED,
            desk.slots,
            desk.table.address,
            self._count,
            desk.groups.address,
        )

    def take(self, order: Sequence[int]) -> list[pa.Array]:
        """Return the keys and the values of all groups, and begin anew.

        They are in the order of some of their keys, given by number, where NULL is first; what is
        the same there is in the order of the first rows.
        """
        if self._compiled is None:
            columns = _in_order(self._tables, order, self._keys, self._how)
            self._tables, self._count = [], 0
            return columns
        desk, count = self._desk(), self._count
        places, room = desk.scratch("order", count * 4), desk.scratch("room", count * 32)
        by = (ctypes.c_int32 * len(order))(*order)
        self._compiled.flowdb_order(
            count, desk.words, desk.groups.address, len(order), by, room.address, places.address
        )
        columns = [_Filled(pa.int32(), count) for _ in range(self._keys)]
        columns += [_Filled(pa.int64(), count) for _ in self._how]
        made = (_Made * len(columns))(*(column.told for column in columns))
        self._compiled.flowdb_columns(
            count, self._keys, len(self._how), desk.groups.address, places.address, made
        )
        desk.clear()
        self._count = 0
        return [column.array(told.nulls) for column, told in zip(columns, made, strict=True)]

    def _desk(self) -> _Desk:
        """Return this thread's desk, with these groups on it."""
        assert self._compiled is not None
        desk: _Desk | None = getattr(_of_thread, "desk", None)
        if desk is None:
            desk = _of_thread.desk = _Desk(self._compiled)
        if desk.owner is not self:
            if (other := desk.owner) is not None:
                other._put_away = desk.cleared()
            desk.put(self, self._keys, len(self._how), self._put_away)
            self._put_away = None
        return desk


class _Desk:
    """The memory in which a thread adds rows to groups, again and again the same: new pages cost time."""

    def __init__(self, compiled: ctypes.CDLL) -> None:
        self._compiled = compiled
        self.owner: Groups | None = None
        self.count = self.slots = self.words = 0
        self.groups = self.table = pa.allocate_buffer(0)
        self._keys = self._values = 0
        self._scratch: dict[str, pa.Buffer] = {}

    def put(self, owner: Groups, keys: int, values: int, groups: pa.Buffer | None) -> None:
        """Put groups on the desk, which is empty."""
        self.owner, self._keys, self._values = owner, keys, values
        self.words = self._compiled.flowdb_group_words(keys, values)
        self.count = 0 if groups is None else groups.size // (self.words * 8)
        self.slots = 0
        if groups is not None:
            if self.groups.size < groups.size:
                self.groups = pa.allocate_buffer(groups.size)
            ctypes.memmove(self.groups.address, groups.address, groups.size)

    def make_room(self, rows: int) -> None:
        """Make room for the groups that so many rows may bring."""
        most = self.count + rows
        if self.groups.size < most * self.words * 8:
            # What is not written to takes no memory: more than is needed now, lest it is copied again.
            larger = pa.allocate_buffer(max(most + most // 4, _FEWEST_GROUPS) * self.words * 8)
            ctypes.memmove(larger.address, self.groups.address, self.count * self.words * 8)
            self.groups = larger
        slots = max(_FEWEST_SLOTS, 1 << (most + most // 2).bit_length())
        if slots > self.slots:
            # Most likely as many as before: to index anew what there is takes longer than to clear more.
            slots = slots * 4 if self.slots else max(slots, min(slots * 8, self.table.size // 4))
            if self.table.size < slots * 4:
                self.table = pa.allocate_buffer(slots * 4)
            self.slots = slots
            ctypes.memset(self.table.address, 0, slots * 4)
            self._compiled.flowdb_index(
                self.count,
                self._keys,
                self._values,
                self.groups.address,
                _SEED,
                slots,
                self.table.address,
            )

    def cleared(self) -> pa.Buffer:
        """Return a copy of the groups, and clear the desk."""
        copy = pa.allocate_buffer(self.count * self.words * 8)
        ctypes.memmove(copy.address, self.groups.address, copy.size)
        self.clear()
        return copy

    def clear(self) -> None:
        """Clear the desk: what lay there is nobody's now."""
        self.owner, self.count, self.slots = None, 0, 0
        if self.groups.size > _MOST_KEPT:
            self.groups = pa.allocate_buffer(0)

    def scratch(self, name: str, size: int) -> pa.Buffer:
        """Return memory for a moment."""
        kept = self._scratch.get(name)
        if kept is None or kept.size < size:
            kept = pa.allocate_buffer(size)
            if size <= _MOST_KEPT:
                self._scratch[name] = kept
        return kept


_of_thread = threading.local()


class _Filled:
    """A column that the compiled code fills."""

    def __init__(self, kind: pa.DataType, rows: int) -> None:
        self._kind, self._rows = kind, rows
        self._values = pa.allocate_buffer(rows * kind.bit_width // 8)
        self._valid = pa.allocate_buffer((rows + 63) // 64 * 8)
        self.told = _Made(self._values.address, self._valid.address, 0)

    def array(self, nulls: int) -> pa.Array:
        """Return it, filled, with so many NULLs."""
        return pa.Array.from_buffers(
            self._kind, self._rows, [self._valid if nulls else None, self._values], nulls
        )


def _table(rows: int, keys: Sequence[Column], values: Sequence[Column]) -> pa.Table:
    columns = {f"k{n}": pa.nulls(rows, pa.int32()) if key is None else key for n, key in enumerate(keys)}
    for n, value in enumerate(values):
        columns[f"v{n}"] = pa.repeat(number(1), rows) if value is None else value
    wanted = pc.fill_null(pc.not_equal(columns["k0"], number(UNWANTED)), True)
    return pa.table(columns).filter(wanted)


def _by_pyarrow(tables: Sequence[pa.Table], keys: int, how: Sequence[str]) -> pa.Table:
    """Return the groups of rows, in the order of their first ones."""
    rows = pa.concat_tables(tables).combine_chunks()
    columns = dict(zip(rows.column_names, rows.columns, strict=True))
    columns["place"] = pc.cumulative_sum(pa.repeat(number(1), len(rows)))
    for n, one in enumerate(how):
        if one == "sum":
            columns[f"v{n}"] = _without_overflow(columns[f"v{n}"])
    wanted = [("place", "min"), *((f"v{n}", one) for n, one in enumerate(how))]
    found = pa.table(columns).group_by([f"k{n}" for n in range(keys)], use_threads=False).aggregate(wanted)
    found = found.sort_by("place_min")
    made = {f"k{n}": found[f"k{n}"] for n in range(keys)}
    for n, one in enumerate(how):
        column = found[f"v{n}_{one}"]
        if pa.types.is_decimal(column.type):
            most = number(_LARGEST).cast(column.type)
            column = pc.if_else(pc.greater(column, most), most, column).cast(pa.int64())
        made[f"v{n}"] = column
    return pa.table(made)


def _in_order(
    tables: Sequence[pa.Table], order: Sequence[int], keys: int, how: Sequence[str]
) -> list[pa.Array]:
    if not tables:
        return [pa.nulls(0, pa.int32())] * keys + [pa.nulls(0, pa.int64())] * len(how)
    (table,) = tables
    by = {f"k{n}": pc.fill_null(table[f"k{n}"], _NONE) for n in order}
    places = pc.sort_indices(pa.table(by), [(name, "ascending") for name in by])
    taken = table.take(places)
    return [
        column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type) for column in taken.columns
    ]


def _without_overflow(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the values in a type in which they can be added up."""
    largest = pc.max(column).as_py() or 0
    return column.cast(pa.decimal128(38)) if largest * len(column) > _LARGEST else column
