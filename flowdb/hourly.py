"""Adds records of flows up by hour, interface, addresses, the service's port and the like.

An analysis that asks for no more reads these sums, a fraction of the rows, and gives the same
answer. What they hold is in `companions`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number, texts
from flowdb.companions import COUNTERS, KEYS
from flowdb.fields import BY_NAME, Kind, arrow_type
from flowdb.grouping import UNWANTED, Given, Groups, given
from flowdb.words import CODES, continues

__all__ = ["Sums", "by_action", "spelled"]

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
_ORDER = [_KEYS.index(key) for key in ("action", "interface_id", "srcaddr", "dstaddr", "hour")]
_REFUSED, _IDLE, _NO_WORDS = texts(["REJECT"]), texts(["NODATA", "SKIPDATA"]), texts([])
_ZERO = pc.is_valid(pa.nulls(1)).cast(pa.uint8())
_TEXTS = {name for name, kind in _FIELDS.items() if kind == pa.string()} | {"log_status"}
_MOST_WORDS = 1 << 17
_READ = (*KEYS, "packets", "bytes", "start_time", "log_status")
# What hours, ports and traffic are told by, in the order of sums.c.
_TELLING = ("start_time", "srcport", "dstport", "action", "log_status", "bytes", "srcaddr")


class Sums:
    """Sums of records of flows, or of other sums, until they are taken: one for each of the keys."""

    def __init__(self) -> None:
        self._groups = Groups(len(_KEYS), [*_HOW.values()])
        self._words: dict[str, pa.Array] = {}
        self._flags: dict[str, pa.Array] = {}
        self._done: list[pa.Table] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._groups) + sum(map(len, self._done))

    def add(self, records: pa.Table) -> None:
        """Add records of flows; texts may be codes."""
        there = [name for name in _READ if name in records.column_names]
        for rows, columns in self._pieces(records.select(there)):
            hour, source, target = self._made_keys(rows, columns)
            keys = {**columns, "hour": hour, "srcport": source, "dstport": target}
            start, packets, octets = (
                columns[name] if name in columns else pa.nulls(rows, pa.int64())
                for name in ("start_time", "packets", "bytes")
            )
            self._groups.add(rows, [keys.get(name) for name in _KEYS], [None, packets, octets, start, start])

    def add_file(self, sums: pa.Table) -> None:
        """Add sums as files have them."""
        for rows, columns in self._pieces(sums):
            first = pc.add(columns["hour"], columns["first_after"].cast(pa.int64()))
            last = pc.add(first, columns["lasting"].cast(pa.int64()))
            columns["hour"] = pc.divide(columns["hour"], number(_HOUR)).cast(pa.int32())
            counters = [columns[name] for name in COUNTERS]
            self._groups.add(rows, [columns[name] for name in _KEYS], [*counters, first, last])

    def take(self) -> pa.Table:
        """Return them as files have them, in order, and begin anew.

        Texts are dictionaries; times are milliseconds since the hour and since the first.
        """
        if self._done:
            self._begin_dictionaries()
            tables, self._done = self._done, []
            self.add_file(pa.concat_tables(tables).unify_dictionaries().combine_chunks())
        taken = self._taken()
        if any(len(words) > _MOST_WORDS for words in self._words.values()):
            self._begin_dictionaries()
        return taken

    def _begin_dictionaries(self) -> None:
        """Put aside the sums whose texts are codes into the dictionaries so far; others may come now."""
        if len(self._groups):
            self._done.append(self._taken())
        self._words, self._flags = {}, {}

    def _taken(self) -> pa.Table:
        columns = dict(zip((*_KEYS, *_HOW), self._groups.take(_ORDER), strict=True))
        for name in _TEXTS & columns.keys():
            words = self._words.get(name, _NO_WORDS)
            columns[name] = pa.DictionaryArray.from_arrays(columns[name], words, safe=False)
        hour = pc.multiply(columns["hour"].cast(pa.int64()), number(_HOUR))
        first, last = columns.pop("first_start"), columns.pop("last_start")
        columns["hour"] = hour.cast(_MOMENT)
        columns["first_after"] = pc.subtract(first, hour).cast(pa.int32())
        columns["lasting"] = pc.subtract(last, first).cast(pa.int32())
        return pa.table(columns)

    def _pieces(self, table: pa.Table) -> Iterator[tuple[int, dict[str, pa.Array]]]:
        """Yield the rows of a table as they lie in memory, as numbers: texts are codes into `_words`."""
        for index, name in enumerate(table.column_names):
            if pa.types.is_string(table[name].type):
                table = table.set_column(index, name, self._coded(name, table[name]))
        known: dict[tuple[int, ...], bool] = {}
        for batch in table.to_batches():
            columns = dict(zip(table.column_names, batch.columns, strict=True))
            words = {name: columns[name].dictionary for name in _TEXTS & columns.keys()}
            if any(
                name in self._words and not continues(self._words[name], words[name], known) for name in words
            ):
                self._begin_dictionaries()
            for name, those in words.items():
                self._words[name] = max(those, self._words.get(name, _NO_WORDS), key=len)
                columns[name] = columns[name].indices
            yield (
                len(batch),
                {
                    name: column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column
                    for name, column in columns.items()
                },
            )

    def _coded(self, name: str, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return texts as codes into a dictionary that continues what `_words` has."""
        column = texts.dictionary_encode()
        if name not in self._words:
            return column
        known = pa.DictionaryArray.from_arrays(pa.nulls(0, pa.int32()), self._words[name])
        joined = pa.chunked_array([known, *column.chunks], CODES).unify_dictionaries()
        return pa.chunked_array(joined.chunks[1:], CODES)

    def _made_keys(self, rows: int, columns: Mapping[str, pa.Array]) -> Iterator[pa.Array]:
        """Return the hours of records, `UNWANTED` where one has no traffic, and of their ports those kept."""
        refused, idle = self._flagged("action", _REFUSED), self._flagged("log_status", _IDLE)
        made_of = [columns.get(name) for name in _TELLING]
        compiled = native.functions()
        if compiled is None:
            return _keys_by_pyarrow(made_of, rows, refused, idle)
        return _keys_compiled(compiled, made_of, rows, refused, idle)

    def _flagged(self, name: str, wanted: pa.Array) -> pa.Array:
        """Tell of each code of a column, and one more, whether it is one of some words, in whatever case."""
        words, flags = self._words.get(name, _NO_WORDS), self._flags.get(name, _ZERO)
        if len(flags) <= len(words):
            found = pc.is_in(pc.utf8_upper(words.slice(len(flags) - 1)), wanted).cast(pa.uint8())
            flags = self._flags[name] = pa.concat_arrays([flags.slice(0, len(flags) - 1), found, _ZERO])
        return flags


def by_action(sums: pa.Table) -> list[pa.Table]:
    """Return sums in the order of files as pieces of one action each, at least one."""
    actions = pc.run_end_encode(pc.fill_null(sums["action"].chunk(0).indices, _NONE))
    ends = [0, *actions.run_ends.to_pylist()]
    return [sums.slice(start, end - start) for start, end in pairwise(ends)] or [sums]


def spelled(sums: pa.Table) -> pa.Table:
    """Return sums with their texts as strings, and in the order of all their keys, whatever wrote them."""
    columns = {
        name: sums[name].cast(pa.string()) if pa.types.is_dictionary(sums[name].type) else sums[name]
        for name in sums.column_names
    }
    return pa.table(columns).sort_by([(name, "ascending") for name in _KEYS])


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
