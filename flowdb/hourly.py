"""Adds records of flows up by hour, interface, addresses, the service's port and the like.

An analysis that asks for no more reads these sums, a fraction of the rows, and gives the same
answer. What they hold is in `companions`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number, texts
from flowdb.companions import COUNTERS, KEYS
from flowdb.fields import BY_NAME, Kind, arrow_type
from flowdb.grouping import grouped

__all__ = ["SCHEMA", "WRITTEN", "added", "in_order", "summed"]

_HOUR = 3_600_000  # of the milliseconds in which times are stored
_NONE = -1  # the key of what is NULL; no code, port, protocol or hour is less than 0
_MOMENT = arrow_type(Kind.TIME)
_FIELDS = {column: arrow_type(BY_NAME[column.replace("_", "-")].kind) for column in KEYS}
_HOW = {**dict.fromkeys(COUNTERS, "sum"), "first_start": "min", "last_start": "max"}
SCHEMA = pa.schema(
    [
        ("hour", _MOMENT),
        *_FIELDS.items(),
        *((column, _MOMENT if column.endswith("_start") else pa.int64()) for column in _HOW),
    ]
)
"""The columns of a file of sums; what they hold is said of `SUMS_COLUMNS`."""
_CODED = pa.dictionary(pa.int32(), pa.string())
WRITTEN = pa.schema([(one.name, _CODED if pa.types.is_string(one.type) else one.type) for one in SCHEMA])
"""The same with texts as dictionaries, as they are made and written."""


def summed(records: pa.Table) -> pa.Table:
    """Return the sums of records of flows; texts may be dictionaries, and are in the sums."""
    records = _traffic(records)
    start = _column(records, "start_time", _MOMENT).cast(pa.int64())
    ports = _kept_ports(records)
    columns = {
        "hour": pc.divide(start, number(_HOUR)),
        **{name: ports.get(name) or _column(records, name, kind) for name, kind in _FIELDS.items()},
        "flows": pa.repeat(number(1), len(records)),
        "packets": _column(records, "packets", pa.int64()),
        "bytes": _column(records, "bytes", pa.int64()),
        "first_start": start,
        "last_start": start,
    }
    return _grouped(columns)


def added(tables: Sequence[pa.Table]) -> pa.Table:
    """Return sums, of which several may have the same keys, with one row for each."""
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    columns = {name: _chunk(table[name]) for name in table.column_names}
    columns["hour"] = pc.divide(columns["hour"].cast(pa.int64()), number(_HOUR))
    for name in ("first_start", "last_start"):
        columns[name] = columns[name].cast(pa.int64())
    return _grouped(columns)


def in_order(table: pa.Table) -> pa.Table:
    """Return sums in the order in which files have them: by interface and addresses, then time."""
    ranks = {name: _rank(_chunk(table[name])) for name in table.column_names if name not in _HOW}
    order = ["interface_id", "srcaddr", "dstaddr", *(name for name in ranks)]
    keys = list(dict.fromkeys(order))
    places = pc.sort_indices(
        pa.table([ranks[key] for key in keys], names=keys), [(key, "ascending") for key in keys]
    )
    return table.take(places)


def _grouped(columns: dict[str, pa.Array]) -> pa.Table:
    keys = {name: column for name, column in columns.items() if name not in _HOW}
    coded = {name: _dictionary(column) for name, column in keys.items()}
    first, sums = grouped(
        [_key(column) for column in coded.values()],
        {name: (columns[name], how) for name, how in _HOW.items()},
    )
    made = [column.take(first) for column in coded.values()]
    made[0] = pc.multiply(made[0].cast(pa.int64()), number(_HOUR)).cast(_MOMENT)
    made += [sums[name].cast(SCHEMA.field(name).type) for name in _HOW]
    return pa.table(made, schema=WRITTEN)


def _traffic(records: pa.Table) -> pa.Table:
    """Return the records that tell of traffic, as the macro `is_traffic` has it."""
    status = _column(records, "log_status", pa.string())
    there = pc.or_(
        pc.is_valid(_column(records, "bytes", pa.int64())),
        pc.is_valid(_column(records, "srcaddr", pa.string())),
    )
    is_none = _is_one_of(status, "NODATA", "SKIPDATA")
    wanted = pc.if_else(pc.is_valid(status), pc.invert(is_none), there)
    return records if pc.all(wanted).as_py() in (True, None) else records.filter(wanted)


def _kept_ports(records: pa.Table) -> dict[str, pa.Array]:
    source, target = (_column(records, name, pa.int32()) for name in ("srcport", "dstport"))
    refused = _is_one_of(_column(records, "action", pa.string()), "REJECT")
    is_target = pc.or_(refused, pc.coalesce(pc.less_equal(target, source), pc.is_null(source)))
    return {
        "srcport": pc.if_else(is_target, None, source).cast(pa.int32()),
        "dstport": pc.if_else(is_target, target, None).cast(pa.int32()),
    }


def _is_one_of(column: pa.Array, *words: str) -> pa.Array:
    """Tell, of each text, whether it is one of some words, in whatever case; NULL is none."""
    if not pa.types.is_dictionary(column.type):
        return pc.is_in(pc.utf8_upper(column), texts(list(words)))
    found = pc.is_in(pc.utf8_upper(column.dictionary.cast(pa.string())), texts(list(words)))
    return pc.fill_null(found.take(column.indices), False)


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
    values = values.cast(pa.int32())
    return pc.fill_null(values, pa.scalar(_NONE, pa.int32())) if values.null_count else values


def _rank(column: pa.Array) -> pa.Array:
    """Return numbers that have the order of a column's values."""
    if not pa.types.is_dictionary(column.type):
        return column
    places = pc.sort_indices(column.dictionary)
    ranks = pc.sort_indices(places)
    return ranks.take(column.indices)
