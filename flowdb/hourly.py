"""Adds records of flows up by hour, interface, addresses, the service's port and the like.

An analysis that asks for no more reads these sums, a fraction of the rows, and gives the same
answer. What they hold is in `companions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number, texts
from flowdb.companions import COUNTERS, KEYS
from flowdb.fields import BY_NAME, Kind, arrow_type
from flowdb.grouping import grouped, ordered

__all__ = ["added", "by_action", "joined", "of_file", "summed", "to_file"]

_HOUR = 3_600_000  # of the milliseconds in which times are stored
# The key of what is NULL: no code, port, protocol or hour is less than 0.
_NONE = number(-1).cast(pa.int32())
_NULL = pa.nulls(1, pa.int32())[0]
_FALSE = pc.is_null(_NONE)
_CODES = pa.dictionary(pa.int32(), pa.string())
_MOMENT = arrow_type(Kind.TIME)
_FIELDS = {column: arrow_type(BY_NAME[column.replace("_", "-")].kind) for column in KEYS}
_HOW = {**dict.fromkeys(COUNTERS, "sum"), "first_start": "min", "last_start": "max"}
_KEYS = ("hour", *KEYS)
# What is alike lies together, what was refused apart: questions ask for it alone.
_FIRST = ("action", "interface_id", "srcaddr", "dstaddr")
_ORDER = (*_FIRST, *(key for key in _KEYS if key not in _FIRST))
_MOST = 2**62


def summed(records: pa.Table) -> pa.Table:
    """Return the sums of records of flows.

    They have the hour, counted from 1970, the other keys, and what `_HOW` has as 64-bit integers, times in
    milliseconds since 1970. Texts are dictionaries there, and may be in the records.
    """
    start = _column(records, "start_time", _MOMENT).cast(pa.int64())
    ports = _kept_ports(records)
    return _grouped(
        {
            "hour": pc.divide(start, number(_HOUR)).cast(pa.int32()),
            **{name: ports.get(name) or _column(records, name, kind) for name, kind in _FIELDS.items()},
            "flows": pa.repeat(number(1), len(records)),
            "packets": _column(records, "packets", pa.int64()),
            "bytes": _column(records, "bytes", pa.int64()),
            "first_start": start,
            "last_start": start,
        },
        _traffic(records),
    )


def added(tables: Sequence[pa.Table]) -> pa.Table:
    """Return sums, of which several may have the same keys, with one row for each."""
    table = joined(tables)
    return _grouped({name: _chunk(table[name]) for name in table.column_names}, None)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return sums in one piece."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def to_file(sums: pa.Table) -> pa.Table:
    """Return sums as files have them: in order, times as milliseconds since the hour and since the first."""
    sums = sums.take(_places(sums))
    hour = pc.multiply(_chunk(sums["hour"]).cast(pa.int64()), number(_HOUR))
    first, last = _chunk(sums["first_start"]), _chunk(sums["last_start"])
    columns = {
        "hour": hour.cast(_MOMENT),
        **{name: sums[name] for name in (*KEYS, *COUNTERS)},
        "first_after": pc.subtract(first, hour).cast(pa.int32()),
        "lasting": pc.subtract(last, first).cast(pa.int32()),
    }
    return pa.table(columns)


def by_action(sums: pa.Table) -> list[pa.Table]:
    """Return sums in the order of files as pieces of one action each, at least one."""
    actions = pc.run_end_encode(_key(_dictionary(_chunk(sums["action"]))))
    ends = [0, *actions.run_ends.to_pylist()]
    return [sums.slice(start, end - start) for start, end in pairwise(ends)] or [sums]


def of_file(table: pa.Table) -> pa.Table:
    """Return the sums that files have, as they are in memory."""
    hour = _chunk(table["hour"]).cast(pa.int64())
    first = pc.add(hour, _chunk(table["first_after"]).cast(pa.int64()))
    columns = {
        "hour": pc.divide(hour, number(_HOUR)).cast(pa.int32()),
        **{name: _dictionary(_chunk(table[name])) for name in KEYS},
        **{name: table[name] for name in COUNTERS},
        "first_start": first,
        "last_start": pc.add(first, _chunk(table["lasting"]).cast(pa.int64())),
    }
    return pa.table(columns)


def _grouped(columns: dict[str, pa.Array], wanted: pa.Array | None) -> pa.Table:
    keys = {name: _dictionary(columns[name]) for name in _KEYS}
    found, sums = grouped(
        [_key(column) for column in keys.values()],
        {name: (columns[name], how) for name, how in _HOW.items()},
        wanted,
    )
    made = [_of_key(key, column) for key, column in zip(found, keys.values(), strict=True)]
    return pa.table([*made, *(sums[name] for name in _HOW)], names=[*_KEYS, *_HOW])


def _places(sums: pa.Table) -> pa.Array:
    """Return the order of sums by their keys: several are one number where they fit."""
    packed = [pa.repeat(number(0), len(sums))]
    size = 1
    for name in _ORDER:
        rank = pc.add(_rank(_chunk(sums[name])).cast(pa.int64()), number(1))
        most = (pc.max(rank).as_py() or 0) + 1
        if size * most > _MOST:
            packed.append(rank)
            size = most
        else:
            packed[-1] = pc.add(pc.multiply(packed[-1], number(most)), rank)
            size *= most
    return ordered(packed)


def _traffic(records: pa.Table) -> pa.Array:
    """Tell which records tell of traffic, as the macro `is_traffic` has it."""
    status = _column(records, "log_status", pa.string())
    wanted = pc.invert(_is_one_of(status, "NODATA", "SKIPDATA"))
    if not status.null_count:
        return wanted
    there = pc.or_(
        pc.is_valid(_column(records, "bytes", pa.int64())),
        pc.is_valid(_column(records, "srcaddr", pa.string())),
    )
    return pc.if_else(pc.is_valid(status), wanted, there)


def _kept_ports(records: pa.Table) -> dict[str, pa.Array]:
    source, target = (_column(records, name, pa.int32()) for name in ("srcport", "dstport"))
    refused = _is_one_of(_column(records, "action", pa.string()), "REJECT")
    is_target = pc.or_(refused, pc.coalesce(pc.less_equal(target, source), pc.is_null(source)))
    return {
        "srcport": pc.if_else(is_target, _NULL, source),
        "dstport": pc.if_else(is_target, target, _NULL),
    }


def _is_one_of(column: pa.Array, *words: str) -> pa.Array:
    """Tell, of each text, whether it is one of some words, in whatever case; NULL is none."""
    if not pa.types.is_dictionary(column.type):
        return pc.is_in(pc.utf8_upper(column), texts(list(words)))
    found = pc.is_in(pc.utf8_upper(column.dictionary.cast(pa.string())), texts(list(words)))
    return pc.fill_null(found.take(column.indices), _FALSE)


def _column(records: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    if name not in records.column_names:
        return pa.nulls(len(records), kind)
    return _chunk(records[name])


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def _dictionary(column: pa.Array) -> pa.Array:
    """Return a column with its texts as a dictionary."""
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _key(column: pa.Array) -> pa.Array:
    """Return what stands for the values of a column: numbers of 32 bits, none of them NULL."""
    values = column.indices if pa.types.is_dictionary(column.type) else column
    return pc.fill_null(values, _NONE) if values.null_count else values


def _of_key(key: pa.Array, column: pa.Array) -> pa.Array:
    """Return the values of a column that keys stand for."""
    if column.null_count:
        key = pc.if_else(pc.equal(key, _NONE), _NULL, key)
    is_coded = pa.types.is_dictionary(column.type)
    return pa.DictionaryArray.from_arrays(key, column.dictionary) if is_coded else key


def _rank(column: pa.Array) -> pa.Array:
    """Return numbers that have the order of a column's values, and -1 for NULL."""
    if pa.types.is_dictionary(column.type):
        ranks = pc.sort_indices(pc.sort_indices(column.dictionary)).cast(pa.int32())
        column = ranks.take(column.indices)
    return _key(column)
