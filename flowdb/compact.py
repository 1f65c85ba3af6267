"""Makes few large, sorted files out of the many small ones that ingests leave."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.companions import HOURLY, unsummed
from flowdb.datasets import DATASETS, Dataset
from flowdb.errors import StoreDamaged, heard
from flowdb.meter import Meter
from flowdb.quoting import quote_name, quote_path
from flowdb.rewriting import check
from flowdb.rollups import sums_of
from flowdb.rows import Change, FileRow, Written
from flowdb.store import SCRATCH, Store, Writer
from flowdb.tiers import Group, uncompacted

if TYPE_CHECKING:
    import pyarrow as pa

    from flowdb.partitions import FolderWriter

__all__ = ["CompactReport", "compact"]

_MEMORY = 64 << 20
_SORT_MEMORY = "256MB"  # what does not fit waits on the disk
_BATCH = 122_880
# Of so many rows a day is cut into parts: the times in a row group are fewer then, which are most of what it
# takes, and row groups can be ruled out by them.
_IN_ONE_PART = 8 * _BATCH
_MOST_PARTS = 24
_DAY = 86_400_000
# Records that are written anew in one commit, if there are more than one date's.
_IN_ONE_COMMIT = 4_000_000


@dataclass(slots=True)
class CompactReport:
    """What a compaction did; sizes are bytes."""

    groups: int = 0
    files_before: int = 0
    files_after: int = 0
    records: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    files_summed: int = 0
    commits: int = 0
    seconds: float = 0.0

    def facts(self) -> dict[str, int | float]:
        """Return the numbers, by name."""
        return asdict(self)


def compact(
    store: Store,
    choose: Callable[[Iterable[FileRow]], list[Group]] | None = None,
    watch: Callable[[Meter], None] | None = None,
    *,
    rollups: bool = True,
) -> CompactReport:
    """Make few sorted files of the many of each date; every record stays what it is.

    By default, of every date those files are taken that are small beside the others or not
    sorted yet, and all files of flows that have no hourly sums get them. Without `rollups` new
    files have none. What one commit writes anew is about as much as one sort can hold.
    """
    started = time.perf_counter()
    report = CompactReport()
    meter = Meter()
    with store.writer("compact") as writer:
        groups = (choose or uncompacted)(store.catalog.files())
        merge = _Merge(writer, meter, watch, rollups)
        meter.total_bytes = sum(row.bytes for group in groups for row in group)
        for batch in _batches(groups):
            began = time.perf_counter()
            change = merge.of(batch)
            _check(writer, change)
            writer.commit(change, began)
            new = [one.row for one in change.files if one.row.kind != HOURLY]
            report.commits += 1
            report.groups += len(batch)
            report.files_before += len(change.retired)
            report.files_after += len(new)
            report.records += sum(row.records for row in change.retired)
            report.bytes_before += sum(row.bytes for row in change.retired)
            report.bytes_after += sum(row.bytes for row in new)
        if rollups and choose is None and (bare := unsummed(store.catalog.files())):
            began = time.perf_counter()
            writer.commit(Change(files=sums_of(writer, bare)), began)
            report.files_summed = len(bare)
            report.commits += 1
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _batches(groups: Sequence[Group]) -> Iterator[list[Group]]:
    batch: list[Group] = []
    for group in groups:
        batch.append(group)
        if sum(row.records for one in batch for row in one) >= _IN_ONE_COMMIT:
            yield batch
            batch = []
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Merge:
    """Makes sorted files of groups of others."""

    writer: Writer
    meter: Meter
    watch: Callable[[Meter], None] | None
    rollups: bool

    def of(self, groups: list[Group]) -> Change:
        """Write each group anew, as few files as may be, and return the change."""
        files: list[Written] = []
        for number, group in enumerate(groups):
            for row in group:
                check(self.writer.store.root, row)
            target = self.writer.folder_writer(
                f"c{number}",
                _MEMORY,
                is_sorted=True,
                only_action=group[0].only_action,
                are_summed=self.rollups,
            )
            target.replaces += [row.path for row in group]
            try:
                self._write(group, target)
                files += target.finish()
            except BaseException:
                target.discard()
                raise
        return Change(files=files, retired=[row for group in groups for row in group])

    def _write(self, group: Group, target: FolderWriter) -> None:
        size, records, written = sum(row.bytes for row in group), sum(row.records for row in group), 0
        for table in _sorted(self.writer.store.root, group):
            target.add(Path(group[0].path).parent.as_posix(), table)
            before, written = written, written + len(table)
            self.meter.add(size * written // records - size * before // records, len(table))
            if self.watch is not None:
                self.watch(self.meter)


def _sorted(root: Path, group: Group) -> Iterator[pa.Table]:
    """Yield the rows of some files, which have the same columns, in the order of their dataset."""
    import duckdb
    import pyarrow as pa

    dataset = next((one for one in DATASETS if one.kind == group[0].kind), None)
    with (
        tempfile.TemporaryDirectory(prefix=SCRATCH, dir=root) as folder,
        duckdb.connect(
            config={"memory_limit": _SORT_MEMORY, "temp_directory": folder, "threads": os.cpu_count() or 1}
        ) as connection,
    ):
        try:
            with heard():
                result = connection.sql(_query(root, group, dataset))
                # What older versions of DuckDB call `fetch_record_batch`.
                stream = getattr(result, "to_arrow_reader", None) or result.fetch_record_batch
                batches = stream(_BATCH)
            for batch in batches:
                yield pa.Table.from_batches([batch]).cast(_schema(dataset, group[0]))
        except duckdb.Error as error:
            raise StoreDamaged(str(root), f"its files cannot be compacted ({error})") from error


def _query(root: Path, group: Group, dataset: Dataset | None) -> str:
    names = ("source_id", "source", "line_number") if dataset is None else dataset.order
    order = ", ".join(map(quote_name, names))
    columns = ", ".join(map(quote_name, _schema(dataset, group[0]).names))
    paths = ", ".join(quote_path(root.resolve() / row.path) for row in group)
    parts = min(sum(row.records for row in group) // _IN_ONE_PART, _MOST_PARTS)
    if dataset is not None and parts > 1:
        order = f"epoch_ms(start_time) // {math.ceil(_DAY / parts)}, {order}"
    return f"SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = false) ORDER BY {order}"


def _schema(dataset: Dataset | None, row: FileRow) -> pa.Schema:
    from flowdb.partitions import QUARANTINE_SCHEMA

    if dataset is None:
        return QUARANTINE_SCHEMA
    return dataset.schema(row.version, tuple(name for name in row.extra.split(",") if name))


def _check(writer: Writer, change: Change) -> None:
    """Raise `StoreDamaged` if the new files have not as many rows of every source as the old ones."""
    before: Counter[int] = Counter()
    after: Counter[int] = Counter()
    for row in change.retired:
        before.update(writer.store.catalog.shares_of(row.path))
    for written in change.files:
        after.update(written.shares)
    if before != after:
        wrong = sorted((before - after) + (after - before))
        raise StoreDamaged(
            str(writer.store.root),
            f"its files have other rows of source {wrong[0]} than they were written with",
        )
