"""The directory of a store: who may write to it, its commits, and what is removed from it and when."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.catalog import Catalog
from flowdb.companions import HOURLY, orphans
from flowdb.datasets import DATASETS
from flowdb.disk import sync_folders, sync_new_folder
from flowdb.errors import NotAStore, StoreDamaged, StoreError, StoreMissing, StoreReadOnly
from flowdb.faults import reached
from flowdb.folders import LocalFolder
from flowdb.generated import Generated
from flowdb.ledger import LEDGER_FOLDER, write_ledgers
from flowdb.lock import HOLDER, LOCK, locked, os_errors
from flowdb.own_tables import sweep_tables
from flowdb.readable import OF_A_LAKE, Readable
from flowdb.rows import QUARANTINE, Change, CommitRow, FileRow, iso_time
from flowdb.settings import FILE

if TYPE_CHECKING:
    import duckdb

    from flowdb.partitions import FolderWriter

__all__ = [
    "CATALOG",
    "GRACE",
    "SCRATCH",
    "UNFINISHED",
    "Store",
    "Writer",
    "counts_as_records",
    "data_folders",
    "is_lake",
    "own",
    "written_by",
]

CATALOG = "catalog.sqlite"
GRACE = timedelta(days=1)
"""How long retired files are kept for those who still read an older commit."""
SCRATCH = ".scratch-"
"""How the folders in a store begin that hold what a sort cannot have in memory."""
UNFINISHED = f"{CATALOG}.copy"
"""The name of the catalogue in a backup that has not been finished."""
_OWN = {CATALOG, f"{CATALOG}.new", f"{CATALOG}.new-journal", LOCK, HOLDER, FILE}
_WRITTEN_BY = re.compile(r"(\d{8,})-.*\.parquet\Z")


class Store(Readable):
    """A store that exists. `grace` is how long the files that a commit retires are kept."""

    catalog: Catalog

    def __init__(self, root: Path, grace: timedelta = GRACE) -> None:
        self.grace = grace
        with os_errors(root, "used"):
            if not root.exists():
                raise StoreMissing(str(root))
            if not root.is_dir():
                raise NotAStore(str(root), "it is a file, not a store")
            # In this order, while somebody may be making a store of the directory.
            is_unused = _is_unused(root)
            if not (root / CATALOG).exists():
                raise StoreMissing(str(root)) if is_unused else _not_a_store(root)
        super().__init__(str(root), root, LocalFolder(root))
        self.catalog = Catalog(root / CATALOG)
        self._generated = Generated(root)
        self._old_ledgers: tempfile.TemporaryDirectory[str] | None = None
        self._old_files: tuple[int, list[FileRow]] = (-1, [])

    @classmethod
    def create(cls, root: Path, grace: timedelta = GRACE) -> Store:
        """Return the store of a directory; a missing or empty directory becomes one."""
        with os_errors(root, "used"):
            if root.exists() and not root.is_dir():
                raise NotAStore(str(root), "it is a file, not a store")
            is_unused = not root.exists() or _is_unused(root)
            is_there = (root / CATALOG).exists()
            if not is_there and not is_unused:
                raise _not_a_store(root)
        if not is_there:
            if not _is_text(root):
                raise StoreError(str(root), "its path is not UTF-8, and DuckDB opens no other")
            with os_errors(root):
                sync_new_folder(root)
            with locked(root, "create"), os_errors(root):
                if not (root / CATALOG).exists():
                    new = root / f"{CATALOG}.new"
                    new.unlink(missing_ok=True)
                    Catalog.create(new)
                    reached("create.catalog")
                    os.replace(new, root / CATALOG)
        return cls(root, grace)

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()
        if self._old_ledgers is not None:
            self._old_ledgers.cleanup()

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths."""
        files = self.catalog.files()
        if self.catalog.has_ledgers:
            return files
        return [*files, *self._old_ledgers_of(self.catalog.last_commit)]

    @property
    def aside(self) -> list[Path]:
        """The folder of this process alone with the ledgers of a store of an earlier version."""
        if not self.catalog.has_ledgers:
            self.files()
        return [] if self._old_ledgers is None else [Path(self._old_ledgers.name).resolve()]

    def _old_ledgers_of(self, commit_id: int) -> list[FileRow]:
        """Return what is in place of an earlier version's ledgers, which are others, for this process."""
        if self._old_files[0] == commit_id:
            return self._old_files[1]
        if self._old_ledgers is None:
            self._old_ledgers = tempfile.TemporaryDirectory(prefix="flowdb-")
        base = Path(self._old_ledgers.name).resolve()
        nothing = CommitRow(commit_id, "", iso_time(0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)
        written = write_ledgers(base, self.catalog, nothing, Change(), is_new=False).files
        self._old_files = commit_id, [replace(one.row, path=str(base / one.row.path)) for one in written]
        return self._old_files[1]

    def fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the views and macros of the newest commit in an empty DuckDB database."""
        if self.catalog.has_ledgers and self._generated.fill(connection, self.catalog.last_commit):
            return
        super().fill(connection)

    def damaged(self, reason: str) -> StoreError:
        """Return the error for a store whose files DuckDB cannot read."""
        return super().damaged(f"{reason}; see: flowdb verify")

    @contextmanager
    def writer(self, verb: str) -> Iterator[Writer]:
        """Hold the store for writing; what a writer that died left behind is removed first.

        Raises `StoreBusy`, at once, where another process holds it. What is written and not
        committed when an error or an interrupt ends the work is removed.
        """
        with locked(self.root, verb) as has_died, os_errors(self.root):
            if has_died or self.catalog.is_old:
                self.sweep()
            if self.catalog.is_old:
                self.catalog.upgrade()
                reached("upgrade.done")
            if not self.catalog.has_ledgers:
                Writer(self, verb if verb == "repair" else "upgrade").commit(Change(), time.perf_counter())
            self._remove_retired()
            try:
                yield Writer(self, verb)
            except BaseException:
                self.sweep()
                raise

    def refresh(self) -> None:
        """Generate `flowdb.duckdb` again if it shows an older commit, another place or other SQL.

        Nothing happens where the store cannot be written, or is being written.
        """
        if not self.catalog.has_ledgers or self._generated.shows(self.catalog.last_commit):
            return
        with suppress(StoreError, OSError), locked(self.root, "refresh") as has_died:
            if has_died:  # which nobody will know any more
                self.sweep()
            self.generate()

    def generate(self) -> None:
        """Write `flowdb.duckdb` for the newest commit."""
        self._generated.write(self.catalog.last_commit, self.catalog.files())

    def prepare(self) -> None:
        """Do what `generate` will need, ahead of time and in another thread."""
        self._generated.prepare()

    def sweep(self) -> None:
        """Remove the files of commits that never came to be."""
        last = self.catalog.last_commit
        # The list of files first: where there is one, the files are there too.
        for folder in (self.root / LEDGER_FOLDER, *data_folders(self.root)):
            left = [path for path in _files(folder) if (written_by(path) or 0) > last]
            self._remove(left, "sweep.file")
            if folder.name.startswith("date=") and not _files(folder):
                _remove_folder(folder)
        for path in self.root.glob(f"{SCRATCH}*"):
            shutil.rmtree(path, ignore_errors=True)
        self._generated.sweep()
        sweep_tables(self.root)

    def _remove_retired(self) -> None:
        """Remove the files that were retired longer ago than the grace period."""
        until = iso_time(max(time.time() - self.grace.total_seconds(), 0) * 1000)
        retired = [row.path for row in self.catalog.retired(until)]
        # The generated file may show a commit that still has them.
        if retired and not self._generated.shows(self.catalog.last_commit):
            self.generate()
        if retired:
            self._remove([self.root / path for path in retired], "retired.file")
            reached("retired.done")
            self.catalog.forget_retired(retired)

    def _remove(self, paths: Iterable[Path], point: str) -> None:
        """Remove files, and the folders of dates that have no others, for good."""
        folders = set()
        for path in paths:
            reached(point)
            path.unlink(missing_ok=True)
            folders.add(path.parent)
            if path.parent.name.startswith("date="):
                _remove_folder(path.parent)
        # A name that came back when the power fails would be that of a file that nobody knows.
        sync_folders(self.root, folders)


class Writer:
    """The right to write to a store, and the commits that come of it."""

    def __init__(self, store: Store, verb: str) -> None:
        self.store = store
        self.verb = verb
        self.commit_id = store.catalog.last_commit + 1

    def folder_writer(
        self,
        name: str,
        memory: int,
        *,
        is_sorted: bool = False,
        only_action: str = "",
        are_summed: bool = False,
    ) -> FolderWriter:
        """Return a writer of files for this commit; `name` is its own among the writers of the commit."""
        from flowdb.partitions import FolderWriter

        return FolderWriter(
            self.store.root,
            f"{self.commit_id:08}-{name}",
            self.commit_id,
            memory,
            is_sorted,
            only_action,
            are_summed,
        )

    def commit(self, change: Change, started: float) -> CommitRow:
        """Make the change, whose files are on the disk already, part of the store: all of it or none.

        `started` is when the work on it began, by `time.perf_counter`. What is removed is what
        the retired files and the new sources have more of than the new files. Companions of
        what is retired are retired with it.
        """
        change = self._without_orphans(change)
        records = sum(source.records for source in change.sources)
        bad_lines = sum(source.bad_lines for source in change.sources)
        commit = CommitRow(
            commit_id=self.commit_id,
            verb=self.verb,
            committed_at=iso_time(time.time() * 1000),
            sources=len(change.sources),
            records=records,
            bad_lines=bad_lines,
            raw_bytes=sum(source.raw_bytes for source in change.sources),
            source_bytes=sum(source.size for source in change.sources),
            parquet_bytes=sum(file.row.bytes for file in change.files if counts_as_records(file.row)),
            removed_sources=len(change.forgotten),
            removed_records=records + _net(change, is_bad=False),
            removed_bad_lines=bad_lines + _net(change, is_bad=True),
            last_source=max(
                [self.store.catalog.last_source, *(source.source_id for source in change.sources)]
            ),
            seconds=round(time.perf_counter() - started, 3),
        )
        catalog = self.store.catalog
        catalog.commit(commit, write_ledgers(self.store.root, catalog, commit, change))
        reached("catalog.done")
        self.commit_id += 1
        try:
            self.store.generate()
        except (StoreError, OSError) as error:
            reason = error.reason if isinstance(error, StoreError) else error.strerror or str(error)
            said = f"the {self.verb} is done, but flowdb.duckdb shows the store as it was before ({reason})"
            raise StoreError(str(self.store.root), said) from error
        return commit

    def _without_orphans(self, change: Change) -> Change:
        """Return the change, which also retires the companions whose data file is not there after it."""
        gone = {row.path for row in change.retired}
        live = [row for row in self.store.catalog.files() if row.path not in gone]
        lonely = orphans([*live, *(written.row for written in change.files)])
        return replace(change, retired=[*change.retired, *lonely]) if lonely else change


def own(store: Readable) -> Store:
    """Return a store for whoever is going to change it; raises `StoreReadOnly` for what is asked alone."""
    if not isinstance(store, Store):
        raise StoreReadOnly(store.place, store.read_only)
    return store


def written_by(path: Path) -> int | None:
    """Return the commit that a file was written for, if its name is one that writers give."""
    match = _WRITTEN_BY.match(path.name)
    return int(match[1]) if match else None


def data_folders(root: Path) -> list[Path]:
    """Return the folders of a store that hold records, their sums, or bad lines."""
    folders = [root / QUARANTINE]
    for folder in (*(dataset.folder for dataset in DATASETS), HOURLY):
        folders += sorted((root / folder).glob("date=*"))
    return folders


def counts_as_records(row: FileRow) -> bool:
    """Tell whether the rows of a file are records, of flows or of transit gateways."""
    return any(row.kind == dataset.kind for dataset in DATASETS)


def _net(change: Change, *, is_bad: bool) -> int:
    """Return how many rows the retired files have more than the new ones, of bad lines or of records."""

    def rows(files: Iterator[FileRow]) -> int:
        return sum(
            row.records for row in files if (row.kind == QUARANTINE if is_bad else counts_as_records(row))
        )

    return rows(iter(change.retired)) - rows(written.row for written in change.files)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove_folder(folder: Path) -> None:
    """Remove a folder, if it is empty."""
    with suppress(OSError):
        folder.rmdir()


def _not_a_store(root: Path) -> StoreError:
    if (root / UNFINISHED).exists():
        return NotAStore(str(root), "a backup was begun here and not finished; remove it, and back up again")
    if is_lake(root):
        return StoreReadOnly(str(root), OF_A_LAKE)
    if any(map(written_by, root.glob("*/date=*/*.parquet"))):
        return StoreDamaged(str(root), "its catalogue is missing; make it anew with: flowdb verify --repair")
    return NotAStore(str(root))


def is_lake(root: Path) -> bool:
    """Tell whether a folder is a lake, which a cluster wrote."""
    return os.path.isdir(root / "flows" / "_delta_log")


def _is_unused(root: Path) -> bool:
    return all(entry.name in _OWN for entry in root.iterdir())


def _is_text(path: Path) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False
    return True
