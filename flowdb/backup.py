"""Copies one commit of a store while a writer may go on."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from flowdb.catalog import Catalog
from flowdb.disk import sync_file, sync_folder, sync_new_folder
from flowdb.errors import NotAStore, StoreDamaged, StoreError
from flowdb.faults import reached
from flowdb.lock import os_errors
from flowdb.meter import Meter
from flowdb.names import store_files
from flowdb.own_tables import read_tables, write_tables
from flowdb.rows import FileRow
from flowdb.store import CATALOG, UNFINISHED, Store

__all__ = ["BackupReport", "backup"]


@dataclass(slots=True)
class BackupReport:
    """What was copied: the newest commit at the time, its files, their bytes."""

    commit: int = 0
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def facts(self) -> dict[str, int | float]:
        """Return the numbers, by name."""
        return asdict(self)


def backup(store: Store, target: Path, watch: Callable[[Meter], None] | None = None) -> BackupReport:
    """Copy the newest commit of a store into a folder that is empty or not there, and open it once.

    The files of a commit never change, and those that a later one retires stay for a while: no
    writer has to wait. Each is compared with its checksum on the way. The catalogue comes
    last, so that half a copy is no store; what was copied when an error ends it is removed.
    """
    started = time.perf_counter()
    if not store.catalog.has_ledgers:
        raise StoreError(str(store.root), "an earlier flowdb wrote it; run flowdb compact on it first")
    with os_errors(target):
        if target.resolve().is_relative_to(store.root.resolve()):
            raise NotAStore(str(target), "a backup inside the store itself would be part of it")
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise NotAStore(str(target), "it is not empty; a backup needs a folder of its own")
        was_there = target.exists()
        sync_new_folder(target)
        try:
            report = _copy(store, target, watch)
        except BaseException:
            for path in target.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if not was_there:
                target.rmdir()
            raise
    copy = Store(target)
    try:
        copy.refresh()
    finally:
        copy.close()
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _copy(store: Store, target: Path, watch: Callable[[Meter], None] | None) -> BackupReport:
    new = target / UNFINISHED
    store.catalog.copy(new)
    catalog = Catalog(new)
    try:
        files = catalog.files()
        retired = [row.path for row in catalog.retired()]
        report = BackupReport(catalog.last_commit, len(files), sum(row.bytes for row in files))
        catalog.forget_retired(retired)
    finally:
        catalog.close()
    meter = Meter()
    meter.total_bytes = report.bytes
    for row in files:
        _copy_file(store.root, target, row)
        reached("backup.file")
        meter.add(row.bytes, row.records)
        if watch is not None:
            watch(meter)
    for folder in {(target / row.path).parent for row in files}:
        sync_folder(folder)
    if tables := read_tables(store.root):
        write_tables(target, tables)
    for path in store_files(store.root):
        copy = target / path.relative_to(store.root)
        sync_new_folder(copy.parent)
        shutil.copyfile(path, copy)
        sync_file(copy)
    reached("backup.catalog")
    os.replace(new, target / CATALOG)
    sync_folder(target)
    return report


def _copy_file(root: Path, target: Path, row: FileRow) -> None:
    path = target / row.path
    sync_new_folder(path.parent)
    try:
        shutil.copyfile(root / row.path, path)
    except FileNotFoundError as error:
        raise StoreDamaged(str(root), f"its file {row.path} is missing; see: flowdb verify") from error
    if sync_file(path) != (row.bytes, row.checksum):
        raise StoreDamaged(str(root), f"its file {row.path} is not as it was written; see: flowdb verify")
