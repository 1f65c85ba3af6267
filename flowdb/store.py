"""The directory of a store: its lock, its commits, and the generated `flowdb.duckdb`."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from flowdb import analyses
from flowdb.catalog import QUARANTINE, Catalog, CommitRow, FileRow, SourceRow
from flowdb.datasets import DATASETS
from flowdb.disk import sync_folder
from flowdb.errors import NotAStore, StoreBusy, StoreError, StoreMissing, gist
from flowdb.ledger import LEDGER_FOLDER, LEDGERS, ledger_files, write_ledgers
from flowdb.quoting import quote_text
from flowdb.views import view_statements

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter

__all__ = ["GENERATED", "Store", "Writer"]

GENERATED = "flowdb.duckdb"
_CATALOG = "catalog.sqlite"
_LOCK = "lock"
_HOLDER = "writer.json"
_GENERATION = f"{LEDGER_FOLDER}/generation.json"
_OWN = {_CATALOG, f"{_CATALOG}.new", f"{_CATALOG}.new-journal", _LOCK, _HOLDER}
_WRITTEN_BY = re.compile(r"(\d{8})-.*\.parquet\Z")
# The storage version that every DuckDB since 1.0 opens.
_STORAGE_VERSION = "v1.0.0"


class Store:
    """A store that exists."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with _os_errors(root, "used"):
            if not root.exists():
                raise StoreMissing(str(root))
            if not root.is_dir():
                raise NotAStore(str(root), "it is a file, not a store")
            if not (root / _CATALOG).exists():
                raise StoreMissing(str(root)) if _is_unused(root) else NotAStore(str(root))
        self.catalog = Catalog(root / _CATALOG)

    @classmethod
    def create(cls, root: Path) -> Store:
        """Return the store of a directory; a missing or empty directory becomes one."""
        with _os_errors(root, "used"):
            if root.exists() and not root.is_dir():
                raise NotAStore(str(root), "it is a file, not a store")
            is_there = (root / _CATALOG).exists()
            if not is_there and root.exists() and not _is_unused(root):
                raise NotAStore(str(root))
        if not is_there:
            if not _is_text(root):
                raise StoreError(str(root), "its path is not UTF-8, and DuckDB opens no other")
            with _os_errors(root):
                root.mkdir(parents=True, exist_ok=True)
            with _locked(root, "create"):
                if not (root / _CATALOG).exists():
                    new = root / f"{_CATALOG}.new"
                    new.unlink(missing_ok=True)
                    Catalog.create(new)
                    os.replace(new, root / _CATALOG)
                    sync_folder(root)
        return cls(root)

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    def view_statements(self) -> list[str]:
        """Return the statements that make the views of the newest commit, or replace those of another."""
        ledgers = {name: ledger_files(name, self.catalog.last_commit) for name in LEDGERS}
        return view_statements(self.root.resolve(), self.catalog.files(), ledgers)

    def statements(self) -> list[str]:
        """Return the statements that show the store in an empty DuckDB database."""
        return [*_empty_statements(), *self.view_statements()]

    @contextmanager
    def writer(self, verb: str) -> Iterator[Writer]:
        """Hold the store for writing; what a writer that died left behind is removed first.

        Raises `StoreBusy`, at once, where another process holds it.
        """
        with _locked(self.root, verb), _os_errors(self.root):
            self._sweep()
            yield Writer(self, verb)

    def refresh(self) -> None:
        """Generate `flowdb.duckdb` again if it shows an older commit, another place or other SQL.

        Nothing happens where the store cannot be written, or is being written.
        """
        if self._generation_wanted() == self._generation_found():
            return
        with suppress(StoreError, OSError), _locked(self.root, "refresh"):
            self.generate()

    def generate(self) -> None:
        """Write `flowdb.duckdb` under another name, and move it into place."""
        import duckdb

        wanted = self._generation_wanted()
        handle, name = tempfile.mkstemp(prefix=f".{GENERATED}.", dir=self.root)
        os.close(handle)
        new = Path(name)
        new.unlink()
        folder = tempfile.TemporaryDirectory(prefix="flowdb-")
        # DuckDB takes what follows a question mark in a path for options: it is given another path.
        written = Path(folder.name, GENERATED) if "?" in name else new
        try:
            with _duckdb_errors(self.root), duckdb.connect() as connection:
                options = f"STORAGE_VERSION {quote_text(_STORAGE_VERSION)}"
                connection.execute(f"ATTACH {quote_text(str(written))} AS flowdb ({options})")
                connection.execute("USE flowdb")
                for statement in self.statements():
                    connection.execute(statement)
                connection.execute("USE memory")
                connection.execute("DETACH flowdb")
            if written != new:
                shutil.copyfile(written, new)
            # A log that a shell left beside the file belongs to the file that is being replaced.
            (self.root / f"{GENERATED}.wal").unlink(missing_ok=True)
            os.replace(new, self.root / GENERATED)
        finally:
            new.unlink(missing_ok=True)
            folder.cleanup()
        (self.root / LEDGER_FOLDER).mkdir(exist_ok=True)
        (self.root / _GENERATION).write_text(json.dumps(wanted), encoding="utf-8")

    def _generation_wanted(self) -> dict[str, object]:
        return {
            "commit": self.catalog.last_commit,
            "root": str(self.root.resolve()),
            "sql": zlib.crc32("\n".join(_empty_statements()).encode()),
        }

    def _generation_found(self) -> object:
        if not (self.root / GENERATED).exists():
            return None
        try:
            return json.loads((self.root / _GENERATION).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _sweep(self) -> None:
        """Remove the files of commits that never came to be."""
        last = self.catalog.last_commit
        folders = [self.root / QUARANTINE]
        for dataset in DATASETS:
            folders += (self.root / dataset.folder).glob("date=*")
        for path in (path for folder in folders if folder.is_dir() for path in folder.iterdir()):
            written_by = _WRITTEN_BY.match(path.name)
            if written_by and int(written_by[1]) > last:
                path.unlink(missing_ok=True)
                with suppress(OSError):
                    path.parent.rmdir()
        for path in [*self.root.glob(f".{GENERATED}.*"), *(self.root / LEDGER_FOLDER).glob("*.partial")]:
            path.unlink(missing_ok=True)


class Writer:
    """The right to write to a store, and the commit that will come of it."""

    def __init__(self, store: Store, verb: str) -> None:
        self.store = store
        self.verb = verb
        self.commit_id = store.catalog.last_commit + 1

    def folder_writer(self, name: str, memory: int) -> FolderWriter:
        """Return a writer of files for this commit; `name` is its own among the writers of the commit."""
        from flowdb.partitions import FolderWriter

        return FolderWriter(self.store.root, f"{self.commit_id:08}-{name}", self.commit_id, memory)

    def commit(self, commit: CommitRow, sources: Sequence[SourceRow], files: Sequence[FileRow]) -> None:
        """Make the files, which are on the disk already, part of the store: all of them or none."""
        write_ledgers(self.store.root, self.store.catalog, commit, sources)
        self.store.catalog.commit(commit, sources, files)
        self.store.generate()


def _empty_statements() -> list[str]:
    """Return the statements that show a store without records: all views and all macros."""
    # DuckDB 2.0 binds a macro when it is made: over empty views, that opens no file.
    return [*view_statements(Path(), [], {name: [] for name in LEDGERS}), *analyses.statements()]


def _is_unused(root: Path) -> bool:
    return all(entry.name in _OWN for entry in root.iterdir())


def _is_text(path: Path) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _os_errors(root: Path, used: str = "written") -> Iterator[None]:
    """Raise what the system says about the store's own files as `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(str(root), f"it cannot be {used} ({error.strerror or error})") from error


@contextmanager
def _duckdb_errors(root: Path) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise StoreError(str(root), f"its {GENERATED} cannot be written ({gist(str(error))})") from error
    except RuntimeError as error:
        # What DuckDB makes of an interrupt that it was the first to hear.
        raise KeyboardInterrupt from error


@contextmanager
def _locked(root: Path, verb: str) -> Iterator[None]:
    """Hold the store's lock, which the system takes back from a process that dies."""
    lock = FileLock(root / _LOCK)
    holder = root / _HOLDER
    with _os_errors(root):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise _busy(root, holder) from None
    try:
        now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        with _os_errors(root):
            holder.write_text(json.dumps({"pid": os.getpid(), "verb": verb, "since": now}), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _busy(root: Path, holder: Path) -> StoreBusy:
    try:
        known = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known = known if isinstance(known, dict) else {}
    return StoreBusy(str(root), known.get("pid"), known.get("verb"), known.get("since"))
