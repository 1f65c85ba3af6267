"""Takes old dates out of the store: before a date, after a time, or until the store is small enough."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from flowdb.companions import HOURLY, owner_of
from flowdb.datasets import DATASETS, FLOWS
from flowdb.errors import StoreError, UsageError
from flowdb.rewriting import Rewriting, other_sources, read_tables
from flowdb.rows import QUARANTINE, Change, FileRow
from flowdb.store import Store, Writer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Keep", "PruneReport", "PrunedDate", "prune"]

_REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class Keep:
    """What of a store is to be kept.

    Dates from `first` on; and of these as many of the newest as have no more than `max_bytes`
    of Parquet together, at least one. Of the others, refused flows from `first_rejects` on.
    """

    first: date | None = None
    max_bytes: int | None = None
    first_rejects: date | None = None

    @classmethod
    def of(
        cls,
        before: date | None,
        keep: timedelta | None,
        max_bytes: int | None,
        keep_rejects: timedelta | None,
        now: datetime | None = None,
    ) -> Keep:
        """Return what is to be kept when dates before one, or older than a time, are to go."""
        if before is None and keep is None and max_bytes is None:
            raise UsageError("say what to prune: dates before one, older than a time, or beyond a size")
        now = now or datetime.now(UTC)
        try:
            # A date goes when all of it is older.
            firsts = [one for one in (before, (now - keep).date() if keep is not None else None) if one]
            first_rejects = (now - keep_rejects).date() if keep_rejects is not None else None
            return cls(max(firsts, default=None), max_bytes, first_rejects)
        except OverflowError:
            raise UsageError("there is no date as long ago as that") from None


@dataclass(slots=True)
class PrunedDate:
    """What goes of one date; `kept` are refused flows that stay, `bytes` is the size of the files that go."""

    date: str
    records: int = 0
    kept: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class PruneReport:
    """What was taken out of a store, or would be; `parquet_bytes` is what is left, if it is known."""

    dates: list[PrunedDate] = field(default_factory=list)
    bad_lines: int = 0
    parquet_bytes: int | None = None
    commit: int | None = None
    seconds: float = 0.0

    @property
    def records(self) -> int:
        """How many records go."""
        return sum(one.records for one in self.dates)

    @property
    def kept_rejects(self) -> int:
        """How many refused flows of these dates stay."""
        return sum(one.kept for one in self.dates)

    def facts(self) -> dict[str, int | float | None]:
        """Return the numbers, by name."""
        return {
            "dates": len(self.dates),
            "records": self.records,
            "kept_rejects": self.kept_rejects,
            "bytes": sum(one.bytes for one in self.dates),
            "bad_lines": self.bad_lines,
            "parquet_bytes": self.parquet_bytes,
            "commit": self.commit,
            "seconds": self.seconds,
        }


def prune(store: Store, keep: Keep, *, is_dry: bool = False) -> PruneReport:
    """Take whole UTC dates out of the store, as one commit, and say what went; a dry one only says it.

    Bad lines go with the last records of their sources. The sources stay known, so that
    nobody brings back by mistake what was pruned.
    """
    started = time.perf_counter()
    if is_dry:
        report = _Pruning(store, keep).report
    else:
        with store.writer("prune") as writer:
            pruning = _Pruning(store, keep)
            report = pruning.report
            change = pruning.change(writer)
            if change.retired:
                report.commit = writer.commit(change, started).commit_id
            kinds = {HOURLY, *(dataset.kind for dataset in DATASETS)}
            report.parquet_bytes = sum(row.bytes for row in store.catalog.files() if row.kind in kinds)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


class _Pruning:
    """What is to be done with each file of a store."""

    def __init__(self, store: Store, keep: Keep) -> None:
        self._store = store
        self._keep = keep
        self._whole: list[FileRow] = []
        self._rejects: list[FileRow] = []
        self._by_date: dict[str, PrunedDate] = {}
        live = store.catalog.files()
        self._sums = {owner_of(row.path): row.bytes for row in live if row.kind == HOURLY}
        files = _data(live)
        for row in files:
            if keep.first is not None and row.date < keep.first.isoformat():
                self._take(row)
        left = sum(map(self._bytes, files)) - sum(map(self._bytes, self._whole + self._rejects))
        if keep.max_bytes is not None:
            self._take_oldest(files, left, keep.max_bytes)
        last = max(self._by_date, default="")
        until = max(_next_day(last) if last else "", keep.first.isoformat() if keep.first else "")
        self._bad_line_sources = store.catalog.sources_before(until) if until else []
        self.report = PruneReport([one for _, one in sorted(self._by_date.items())])
        self._quarantine = {
            path: shares
            for path, shares in store.catalog.shares(self._bad_line_sources).items()
            if path.startswith(f"{QUARANTINE}/")
        }
        self.report.bad_lines = sum(sum(shares.values()) for shares in self._quarantine.values())

    def change(self, writer: Writer) -> Change:
        """Write what is kept of the files that go, and return the change."""
        rewriting = Rewriting(writer)
        for row in self._whole:
            rewriting.keep(row, None)
        for row in self._rejects:
            rewriting.keep(row, _rejected, only_action=_REJECT)
        live = {row.path: row for row in self._store.catalog.files()}
        for path, shares in sorted(self._quarantine.items()):
            is_all = sum(shares.values()) == live[path].records
            rewriting.keep(live[path], None if is_all else other_sources(self._bad_line_sources))
        return rewriting.finish()

    def _take_oldest(self, files: Sequence[FileRow], left: int, most: int) -> None:
        """Take dates, oldest first, until what is left is small enough; the newest date stays."""
        taken = {row.path for row in self._whole + self._rejects}
        by_date: dict[str, list[FileRow]] = {}
        for row in files:
            if row.path not in taken and not self._keeps_rejects(row, is_kept=True):
                by_date.setdefault(row.date, []).append(row)
        newest = max((row.date for row in files), default="")
        for day in sorted(by_date):
            if left <= most or day == newest:
                break
            for row in by_date[day]:
                before = self._kept_bytes(row)
                left -= self._bytes(row) - before
                self._take(row)

    def _bytes(self, row: FileRow) -> int:
        """Return the size of a file with its hourly sums."""
        return row.bytes + self._sums.get(row.path, 0)

    def _kept_bytes(self, row: FileRow) -> int:
        """Return about how many bytes the refused flows of a file will need, if they are kept."""
        if not self._keeps_rejects(row) or not row.records:
            return 0
        return self._bytes(row) * _rejects_in(self._store, row) // row.records

    def _take(self, row: FileRow) -> None:
        if self._keeps_rejects(row, is_kept=True):
            return
        pruned = self._by_date.setdefault(row.date, PrunedDate(row.date))
        pruned.files += 1
        pruned.bytes += self._bytes(row)
        kept = _rejects_in(self._store, row) if self._keeps_rejects(row) else 0
        pruned.kept += kept
        pruned.records += row.records - kept
        (self._rejects if kept else self._whole).append(row)

    def _keeps_rejects(self, row: FileRow, *, is_kept: bool = False) -> bool:
        """Tell whether the refused flows of a file are to be kept, or are all that it has and are kept."""
        first = self._keep.first_rejects
        if first is None or row.kind != FLOWS.kind or row.date < first.isoformat():
            return False
        return row.only_action == _REJECT if is_kept else True


def _data(files: Sequence[FileRow]) -> list[FileRow]:
    kinds = {dataset.kind for dataset in DATASETS}
    return [row for row in files if row.kind in kinds]


def _rejects_in(store: Store, row: FileRow) -> int:
    return sum(len(_rejected(table)) for table in read_tables(store.root, [row], columns=["action"]))


def _rejected(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    from flowdb.arrays import texts

    return table.filter(pc.equal(table["action"], texts([_REJECT])[0]))


def _next_day(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except OverflowError as error:
        raise StoreError(day, "no day follows it") from error
