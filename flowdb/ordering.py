"""The order of the rows of compacted files, and where their row groups end."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.datasets import DATASETS, Dataset
from flowdb.errors import StoreDamaged, heard
from flowdb.quoting import quote_name, quote_paths
from flowdb.rows import FileRow
from flowdb.store import SCRATCH
from flowdb.tiers import Group

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["row_groups"]

_SORT_MEMORY = "256MB"  # what does not fit waits on the disk
# DuckDB's threads merge ahead of whoever takes what is sorted, and would need more memory, the more they are.
_SORT_THREADS = 1
# Of so many row groups a day is cut into parts: a question for an hour of a busy day reads few of them.
_IN_ONE_PART = 16
_MOST_PARTS = 24
_DAY = 86_400_000
# A bucket has so many on average, as they come out unequal: an address is in two row groups of a day then,
# and an interface in every second one.
_IN_ONE_BUCKET = 1.8
# Addresses are counted by so many places, which their hashes tell: there is room for these, however many
# addresses a day has.
_PLACES = 1 << 16


def row_groups(root: Path, group: Group) -> Iterator[pa.Table]:
    """Yield the rows of some files, which have the same columns, in order, by row groups.

    Records of an address that is seldom seen are in few of these. In each those of an interface are together,
    as it saw them: it tells the same times of all that passed in a window, and of a conversation both ways.
    """
    import duckdb
    import pyarrow as pa

    from flowdb.partitions import ROW_GROUP

    dataset = next((one for one in DATASETS if one.kind == group[0].kind), None)
    with (
        tempfile.TemporaryDirectory(prefix=SCRATCH, dir=root) as folder,
        duckdb.connect(
            config={"memory_limit": _SORT_MEMORY, "temp_directory": folder, "threads": _SORT_THREADS}
        ) as connection,
    ):
        try:
            with heard():
                result = connection.sql(_query(root, group, dataset, ROW_GROUP))
                # What older versions of DuckDB call `fetch_record_batch`.
                stream = getattr(result, "to_arrow_reader", None) or result.fetch_record_batch
                batches = stream(ROW_GROUP // 2)
            for pieces in _cut(batches, ROW_GROUP):
                yield pa.Table.from_batches(pieces).cast(_schema(dataset, group[0]))
        except duckdb.Error as error:
            raise StoreDamaged(str(root), f"its files cannot be compacted ({error})") from error


def _cut(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[list[pa.RecordBatch]]:
    """Yield row groups of at most so many rows, and of one place, which is in the last column of each row."""
    held: list[pa.RecordBatch] = []
    room, place = most, None
    for batch in batches:
        last = batch.num_columns - 1
        rows, at = batch.select(range(last)), 0
        for run in batch.column(last).value_counts().to_pylist():
            end = at + run["counts"]
            if run["values"] != place and held:
                yield held
                held, room = [], most
            place = run["values"]
            while at < end:
                piece = rows.slice(at, min(end - at, room))
                held.append(piece)
                at, room = at + len(piece), room - len(piece)
                if not room:
                    yield held
                    held, room = [], most
    if held:
        yield held


def _query(root: Path, group: Group, dataset: Dataset | None, in_row_group: int) -> str:
    """Return what selects all rows in their order, with the place of each as the last column."""
    names = _schema(dataset, group[0]).names
    columns = ", ".join(f"flow.{quote_name(name)}" for name in names)
    paths = quote_paths(root.resolve() / row.path for row in group)
    files = f"read_parquet({paths}, hive_partitioning = false)"
    if dataset is None:
        return f"SELECT {columns}, 0 FROM {files} AS flow ORDER BY source_id, source, line_number"
    full = sum(row.records for row in group) / in_row_group
    parts = min(max(int(full / _IN_ONE_PART), 1), _MOST_PARTS)
    buckets = max(int(full / parts / _IN_ONE_BUCKET), 1)
    part = f"epoch_ms(flow.start_time) // {math.ceil(_DAY / parts)}"
    if buckets == 1:
        seen, joined, rarer = "", "", "hash(least(flow.srcaddr, flow.dstaddr))"
    else:
        # The end that is seldom seen is mostly the one that an interface does not have itself.
        seen = f"""
            WITH seen AS MATERIALIZED (
                SELECT place, count(*) AS records
                FROM (
                    SELECT hash(srcaddr) % {_PLACES} AS place FROM {files}
                    UNION ALL SELECT hash(dstaddr) % {_PLACES} FROM {files}
                )
                GROUP BY place
            )"""
        joined = (
            f"LEFT JOIN seen AS source ON hash(flow.srcaddr) % {_PLACES} = source.place "
            f"LEFT JOIN seen AS target ON hash(flow.dstaddr) % {_PLACES} = target.place"
        )
        rarer = (
            "hash(CASE WHEN (source.records, source.place) < (target.records, target.place) "
            "THEN flow.srcaddr ELSE flow.dstaddr END)"
        )
    return f"""{seen}
        SELECT {columns}, {part} * {buckets} + ({rarer} % {buckets})::BIGINT
        FROM {files} AS flow {joined}
        ORDER BY {len(names) + 1}, flow.{quote_name(dataset.seen_at)}, flow.end_time,
            least(flow.srcport, flow.dstport), {rarer}, greatest(flow.srcport, flow.dstport),
            flow.srcport, flow.start_time
    """


def _schema(dataset: Dataset | None, row: FileRow) -> pa.Schema:
    from flowdb.partitions import QUARANTINE_SCHEMA

    if dataset is None:
        return QUARANTINE_SCHEMA
    return dataset.schema(row.version, tuple(name for name in row.extra.split(",") if name))
