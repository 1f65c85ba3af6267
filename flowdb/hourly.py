"""Adds records of flows up by hour, interface, addresses, the service's port and the like.

An analysis that asks for no more reads these sums, a fraction of the rows, and gives the same
answer. What they hold is in `companions`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number, texts
from flowdb.companions import COUNTERS, KEYS
from flowdb.fields import BY_NAME, Kind, arrow_type
from flowdb.grouping import UNWANTED, Given, Piece, given, grouped, ordered, taken

__all__ = ["added", "by_action", "joined", "of_file", "spelled", "summed", "to_file"]

_HOUR = 3_600_000  # of the milliseconds in which times are stored
_NONE = number(-1).cast(pa.int32())
_NULL = pa.nulls(1, pa.int32())[0]
_UNWANTED = number(UNWANTED).cast(pa.int32())
_FALSE = pc.is_null(_NONE)
_MOMENT = arrow_type(Kind.TIME)
_FIELDS = {column: arrow_type(BY_NAME[column.replace("_", "-")].kind) for column in KEYS}
_HOW = {**dict.fromkeys(COUNTERS, "sum"), "first_start": "min", "last_start": "max"}
_KEYS = ("hour", *KEYS)
# What is alike lies together, what was refused apart: questions ask for it alone.
_ORDER = ("action", "interface_id", "srcaddr", "dstaddr", "hour")
_REFUSED, _IDLE, _NO_WORDS = texts(["REJECT"]), texts(["NODATA", "SKIPDATA"]), texts([])
_ZERO = pc.is_valid(pa.nulls(1)).cast(pa.uint8())
_READ = (*KEYS, "packets", "bytes", "start_time", "log_status")
# What hours, ports and traffic are told by, in the order of sums.c.
_TELLING = ("start_time", "srcport", "dstport", "action", "log_status", "bytes", "srcaddr")

_Columns = Mapping[str, pa.Array]


def summed(records: pa.Table) -> pa.Table:
    """Return the sums of records of flows.

    They have the hour, counted from 1970, the other keys, and what `_HOW` has as 64-bit integers, times in
    milliseconds since 1970. Texts are dictionaries there, and may be in the records.
    """
    read = {name: _bare(_coded(records[name])) for name in _READ if name in records.column_names}
    # In pieces as they lie in memory: most come from sources that were read together.
    batches = pa.table(read).to_batches()
    refused, idle = _flags(read.get("action"), _REFUSED), _flags(read.get("log_status"), _IDLE)
    pieces = (_piece(dict(zip(read, batch.columns, strict=True)), refused, idle) for batch in batches)
    words = {name: _words(read[name]) for name in KEYS if name in read}
    return _sums(len(records) if batches else 0, pieces, words)


def added(tables: Sequence[pa.Table]) -> pa.Table:
    """Return sums, of which several may have the same keys, with one row for each."""
    table = joined(tables)
    columns = {name: _chunk(table[name]) for name in table.column_names}
    piece = [_indices(columns[name]) for name in _KEYS], [columns[name] for name in _HOW]
    return _sums(len(table), [piece] if len(table) else [], {name: _words(table[name]) for name in KEYS})


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return sums in one piece."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def to_file(sums: pa.Table) -> pa.Table:
    """Return sums as files have them: in order, times as milliseconds since the hour and since the first."""
    columns = {name: _chunk(sums[name]) for name in sums.column_names}
    order = ordered([_indices(columns[name]) for name in _ORDER])
    columns = {name: taken(column, order) for name, column in columns.items()}
    hour = pc.multiply(columns["hour"].cast(pa.int64()), number(_HOUR))
    first, last = columns["first_start"], columns["last_start"]
    made = {
        **columns,
        "hour": hour.cast(_MOMENT),
        "first_after": pc.subtract(first, hour).cast(pa.int32()),
        "lasting": pc.subtract(last, first).cast(pa.int32()),
    }
    return pa.table({name: made[name] for name in made if name not in ("first_start", "last_start")})


def by_action(sums: pa.Table) -> list[pa.Table]:
    """Return sums in the order of files as pieces of one action each, at least one."""
    actions = pc.run_end_encode(pc.fill_null(_indices(_chunk(sums["action"])), _NONE))
    ends = [0, *actions.run_ends.to_pylist()]
    return [sums.slice(start, end - start) for start, end in pairwise(ends)] or [sums]


def of_file(table: pa.Table) -> pa.Table:
    """Return the sums that files have, as they are in memory."""
    hour = _chunk(table["hour"]).cast(pa.int64())
    first = pc.add(hour, _chunk(table["first_after"]).cast(pa.int64()))
    columns = {
        "hour": pc.divide(hour, number(_HOUR)).cast(pa.int32()),
        **{name: _coded(table[name]) for name in KEYS},
        **{name: table[name] for name in COUNTERS},
        "first_start": first,
        "last_start": pc.add(first, _chunk(table["lasting"]).cast(pa.int64())),
    }
    return pa.table(columns)


def spelled(sums: pa.Table) -> pa.Table:
    """Return sums with their texts as strings, and in the order of all their keys, whatever wrote them."""
    columns = {
        name: sums[name].cast(pa.string()) if pa.types.is_dictionary(sums[name].type) else sums[name]
        for name in sums.column_names
    }
    return pa.table(columns).sort_by([(name, "ascending") for name in _KEYS])


def _sums(rows: int, pieces: Iterable[Piece], words: Mapping[str, pa.Array | None]) -> pa.Table:
    """Return the sums of pieces; `words` are the texts that keys are codes for."""
    keys, values = grouped(rows, pieces, [*_HOW.values()])
    if not keys:
        keys, values = [pa.nulls(0, pa.int32())] * len(_KEYS), [pa.nulls(0, pa.int64())] * len(_HOW)
    columns = dict(zip((*_KEYS, *_HOW), (*keys, *values), strict=True))
    for name in (name for name, kind in _FIELDS.items() if kind == pa.string()):
        dictionary = words.get(name)
        dictionary = texts([]) if dictionary is None else dictionary
        columns[name] = pa.DictionaryArray.from_arrays(columns[name], dictionary, safe=False)
    return pa.table(columns)


def _piece(columns: _Columns, refused: pa.Array, idle: pa.Array) -> Piece:
    """Return the keys and values of some records, whose texts are codes; flags tell what codes mean."""
    rows = len(next(iter(columns.values())))
    made_of = [_indices(columns[name]) if name in columns else None for name in _TELLING]
    compiled = native.functions()
    if compiled is None:
        hour, source, target = _keys_by_pyarrow(made_of, rows, refused, idle)
    else:
        hour, source, target = _keys_compiled(compiled, made_of, rows, refused, idle)
    keys = {name: _indices(column) for name, column in columns.items()}
    keys |= {"hour": hour, "srcport": source, "dstport": target}
    start, packets, octets = (
        columns[name] if name in columns else pa.nulls(rows, pa.int64())
        for name in ("start_time", "packets", "bytes")
    )
    return [keys.get(name) for name in _KEYS], [None, packets, octets, start, start]


def _keys_compiled(
    compiled: ctypes.CDLL, made_of: Sequence[pa.Array | None], rows: int, refused: pa.Array, idle: pa.Array
) -> Iterator[pa.Array]:
    """Return what `_keys_by_pyarrow` does."""
    made = [pa.allocate_buffer(rows * 4) for _ in range(3)]
    compiled.flowdb_keys(
        rows,
        (Given * len(made_of))(*map(given, made_of)),
        *(flags.buffers()[1].address for flags in (refused, idle)),
        *(buffer.address for buffer in made),
    )
    return (pa.Array.from_buffers(pa.int32(), rows, [None, buffer]) for buffer in made)


def _keys_by_pyarrow(
    made_of: Sequence[pa.Array | None], rows: int, refused: pa.Array, idle: pa.Array
) -> Iterator[pa.Array]:
    """Return the hours of records, `UNWANTED` where one tells of no traffic, and of their ports the one kept.

    Traffic is what the macro `is_traffic` has for it.
    """
    start, source, target, action, status, octets, address = (
        pa.nulls(rows, pa.int32()) if column is None else column for column in made_of
    )
    hour = pc.divide(start.cast(pa.int64()), number(_HOUR)).cast(pa.int32())
    there = pc.or_(pc.is_valid(octets), pc.is_valid(address))
    is_idle = pc.coalesce(idle.take(status).cast(pa.bool_()), pc.invert(there))
    is_refused = pc.fill_null(refused.take(action).cast(pa.bool_()), _FALSE)
    is_target = pc.or_(is_refused, pc.coalesce(pc.less_equal(target, source), pc.is_null(source)))
    yield pc.if_else(is_idle, _UNWANTED, hour)
    yield pc.if_else(is_target, _NULL, source)
    yield pc.if_else(is_target, target, _NULL)


def _flags(column: pa.ChunkedArray | None, wanted: pa.Array) -> pa.Array:
    """Tell of each code of a column, and of one more, whether it is one of some words, in whatever case."""
    words = None if column is None else _words(column)
    words = _NO_WORDS if words is None else words
    found = pc.is_in(pc.utf8_upper(words), wanted).cast(pa.uint8())
    return pa.concat_arrays([found, _ZERO])


def _bare(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times as the numbers that they are."""
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _coded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with its texts as codes into one dictionary."""
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    return column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column


def _words(column: pa.ChunkedArray) -> pa.Array | None:
    """Return the dictionary of a column that has one."""
    if not pa.types.is_dictionary(column.type):
        return None
    return column.chunk(0).dictionary.cast(pa.string()) if column.num_chunks else _NO_WORDS


def _indices(column: pa.Array) -> pa.Array:
    """Return the codes of a column of texts, and any other column as it is."""
    return column.indices if pa.types.is_dictionary(column.type) else column


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, with one dictionary."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
