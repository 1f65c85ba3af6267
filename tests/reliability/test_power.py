"""A loss of power: before a commit names a file, the file and all names on its way are on the disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import flowdb
from flowdb.catalog import Catalog
from flowdb.partitions import FolderWriter
from flowdb.rows import Change, CommitRow
from flowdb.store import Store
from flowdb.verification import verify
from tests.conftest import record, write_log
from tests.reliability.test_faults import NOON, make_version_1, write_logs

# The first says who holds the store, the other what the generated file shows; both are made again.
PASSING = {"writer.json", "lock", "meta/generation.json"}


class Disk:
    """Knows what would be there after a loss of power: only what was synced."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.commits = 0
        self.removed = 0
        self._folder = folder
        self._files: dict[int, tuple[int, int]] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._sqlite: set[int] = set()
        fsync = os.fsync
        replace = os.replace

        def recorded(handle: int) -> None:
            fsync(handle)
            self._note(handle)

        def replaced(old: Path, new: Path) -> None:
            assert self._is_synced(Path(old)), f"{new} was not on the disk before it got its name"
            assert self.missing(Path(new).parent) == []
            replace(old, new)

        patch.setattr(os, "fsync", recorded)
        patch.setattr(os, "replace", replaced)
        patch.setattr(sqlite3, "connect", self._connect(sqlite3.connect))
        patch.setattr(FolderWriter, "_open", self._open(FolderWriter._open))
        patch.setattr(Catalog, "commit", self._commit(Catalog.commit))
        patch.setattr(Catalog, "forget_retired", self._forget(Catalog.forget_retired))
        self.settle()

    def settle(self) -> None:
        """Take all that is there for on the disk."""
        for path in (self._folder, *self._folder.rglob("*")):
            if path.is_dir():
                self._names[path.stat().st_ino] = _names(path)
            else:
                self._files[path.stat().st_ino] = _state(path)

    def _note(self, handle: int) -> None:
        found = os.fstat(handle)
        if os.path.isdir(f"/dev/fd/{handle}"):
            self._names[found.st_ino] = _names(Path(os.path.realpath(f"/dev/fd/{handle}")))
        else:
            self._files[found.st_ino] = found.st_size, found.st_mtime_ns

    def _is_synced(self, path: Path) -> bool:
        """Tell whether the content of a file is on the disk."""
        return path.stat().st_ino in self._sqlite or self._files.get(path.stat().st_ino) == _state(path)

    def missing(self, path: Path) -> list[str]:
        """Return what of a file is not on the disk: its content, names of it and of folders above it."""
        found = [] if path.is_dir() or self._is_synced(path) else [f"the content of {path}"]
        while path != self._folder:
            if self._names.get(path.parent.stat().st_ino, {}).get(path.name) != path.stat().st_ino:
                found.append(f"the name {path}")
            path = path.parent
        return found

    def check(self, root: Path) -> None:
        """Assert that all that is in a store is on the disk, and nothing else is."""
        for path in root.rglob("*"):
            if path.relative_to(root).as_posix() not in PASSING:
                assert self.missing(path) == []
            if path.is_dir():
                assert set(self._names[path.stat().st_ino]) - {"generation.json"} <= set(_names(path))

    def _open(self, open_file: Callable[..., None]) -> Callable[..., None]:
        def checked(writer: FolderWriter, part: Any) -> None:
            assert self.missing(writer._root / "writer.json") == []
            open_file(writer, part)

        return checked

    def _commit(self, commit: Callable[..., None]) -> Callable[..., None]:
        def checked(catalog: Catalog, row: CommitRow, change: Change) -> None:
            root = Path(catalog._store)
            files = [root / written.row.path for written in change.files]
            assert files
            for path in (*files, root / "writer.json", root / "catalog.sqlite"):
                assert self.missing(path) == []
            self.commits += 1
            commit(catalog, row, change)

        return checked

    def _forget(self, forget: Callable[..., None]) -> Callable[..., None]:
        def checked(catalog: Catalog, paths: list[str]) -> None:
            for name in () if Path(catalog._store, "catalog.sqlite.copy").exists() else paths:
                path = Path(catalog._store, name)
                while not path.parent.exists():
                    path = path.parent
                assert path.name not in self._names[path.parent.stat().st_ino], f"{path} may come back"
                self.removed += 1
            forget(catalog, paths)

        return checked

    def _connect(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        """Have SQLite's own files count as synced where it was told to be as careful as it can."""
        disk = self

        class Checked(sqlite3.Connection):
            def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
                if statement == "COMMIT" and disk._path(self):
                    assert super().execute("PRAGMA synchronous").fetchone() == (3,)
                done = super().execute(statement, *args)
                if statement == "COMMIT":
                    disk._has_committed(self)
                return done

        return lambda *args, **options: connect(*args, **options, factory=Checked)

    @staticmethod
    def _path(connection: sqlite3.Connection) -> str:
        """Return the path of a database, or nothing if it is in memory."""
        (path,) = (row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
        return str(path)

    def _has_committed(self, connection: sqlite3.Connection) -> None:
        if path := self._path(connection):
            self._sqlite.add(Path(path).stat().st_ino)
            # At its most careful it also syncs the folder when it removes the journal.
            self._names[Path(path).parent.stat().st_ino] = _names(Path(path).parent)


def _names(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_logs(tmp_path / "logs")
    return tmp_path / "logs"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Disk]]:
    """Give a function from whose call on it is known what is on the disk."""
    with monkeypatch.context() as patch:
        yield lambda: Disk(tmp_path, patch)


def test_what_an_ingest_commits_is_on_the_disk(tmp_path: Path, logs: Path, disk: Callable[[], Disk]) -> None:
    seen = disk()
    with flowdb.open(tmp_path / "deep" / "store") as db:
        db.ingest(logs / "a.log", workers=2)
        seen.check(db.path)
        db.ingest(logs)
        seen.check(db.path)
        more = write_log(logs / "b.log.gz", [record(n, start=NOON) for n in range(9)])
        db.ingest(more, replace=True)
        seen.check(db.path)
    assert seen.commits == 3


def test_what_a_compaction_a_pruning_and_a_forgetting_commit_is_on_the_disk_and_what_goes_is_gone(
    tmp_path: Path, logs: Path, disk: Callable[[], Disk]
) -> None:
    with flowdb.open(tmp_path / "store", grace="0s") as db:
        db.ingest(logs / "a.log", logs / "tgw.log")
        db.ingest(logs)
    seen = disk()
    with flowdb.open(tmp_path / "store", grace="0s") as db:
        for verb in (
            lambda: db.compact(),
            lambda: db.forget(logs / "c.log"),
            lambda: db.prune(before="2024-01-16", keep_rejects="20000d"),
            lambda: db.prune(before="2024-01-17"),
        ):
            verb()
            seen.check(db.path)
        assert (seen.commits, seen.removed > 0) == (4, True)
        removed = seen.removed
        db.ingest(logs / "a.log")
        assert seen.removed > removed
        assert not list((db.path / "data").iterdir())
        seen.check(db.path)


def test_what_a_dead_writer_left_is_gone_for_good(
    tmp_path: Path, logs: Path, disk: Callable[[], Disk]
) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(logs / "a.log")
        (path,) = (db.path / "data" / "date=2024-01-15").iterdir()
        for day in ("2024-01-15", "2024-01-17"):
            left = db.path / "data" / f"date={day}" / "00000002-00-00001.parquet"
            left.parent.mkdir(exist_ok=True)
            shutil.copy(path, left)
        (db.path / "writer.json").write_text("{}")
        seen = disk()
        with closing(Store(db.path, timedelta(0))) as store, store.writer("check"):
            assert not left.exists()
            seen.check(db.path)


def test_what_an_upgrade_commits_is_on_the_disk(tmp_path: Path, logs: Path, disk: Callable[[], Disk]) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(logs / "a.log")
    make_version_1(db.path)
    seen = disk()
    with flowdb.open(db.path) as db:
        db.compact()
    seen.check(db.path)
    assert seen.commits == 2


def test_a_backup_is_on_the_disk_before_it_is_opened(
    tmp_path: Path, logs: Path, disk: Callable[[], Disk], monkeypatch: pytest.MonkeyPatch
) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(logs)
        db.compact()
        seen = disk()
        monkeypatch.setattr(Store, "refresh", lambda store: None)
        db.backup(tmp_path / "some" / "backup")
    seen.check(tmp_path / "some" / "backup")
    assert seen.missing(tmp_path / "some" / "backup" / "catalog.sqlite") == []
    monkeypatch.undo()
    flowdb.open(tmp_path / "some" / "backup").close()
    assert verify(tmp_path / "some" / "backup").is_sound


def test_what_a_repair_makes_anew_is_on_the_disk(
    tmp_path: Path, logs: Path, disk: Callable[[], Disk]
) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(logs)
    seen = disk()
    (db.path / "catalog.sqlite").write_bytes(b"not a database" * 1000)
    seen.settle()
    verify(db.path, repair=True)
    seen.check(db.path)
    path = min(db.path.glob("data/*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-10])
    seen.settle()
    verify(db.path, repair=True)
    seen.check(db.path)
    assert sorted(one.name for one in (db.path / "damaged").iterdir()) == [path.name, "catalog.sqlite"]
