"""Makes few large, sorted files out of the many small ones that ingests leave."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.companions import HOURLY, unsummed
from flowdb.errors import StoreDamaged
from flowdb.meter import Meter
from flowdb.ordering import row_groups
from flowdb.rewriting import check
from flowdb.rollups import sums_of
from flowdb.rows import Change, FileRow, Written
from flowdb.store import Store, Writer
from flowdb.tiers import Group, uncompacted

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter

__all__ = ["CompactReport", "compact"]

_MEMORY = 64 << 20
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
        for table in row_groups(self.writer.store.root, group):
            target.add(Path(group[0].path).parent.as_posix(), table)
            target.end_row_groups()
            before, written = written, written + len(table)
            self.meter.add(size * written // records - size * before // records, len(table))
            if self.watch is not None:
                self.watch(self.meter)


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
