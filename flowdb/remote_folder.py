"""The files of a store that lies behind a URL: each read of DuckDB's is one request for what it asks for.

DuckDB asks for the end of a file and for the columns that it needs, and keeps what it got as long
as it has the memory: nothing is read ahead here, and nothing kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from flowdb.errors import ConfigError, StoreDamaged, StoreError
from flowdb.folders import HERE, Folder, ServedFile
from flowdb.own_tables import TABLES
from flowdb.remote import Remotes, failure, shown
from flowdb.settings import FILE, Settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["RemoteFolder"]

_THREADS = 16
"""How many requests go on at once: most of the time of one is spent on the way."""
# DuckDB keeps nothing of what was changed at the time zero.
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_SETTINGS = {
    # To DuckDB, whatever Python reads is on this machine, whose files it reads in smaller pieces. The
    # size is the one that it takes for what is not.
    "cache_local_files": "true",
    "external_file_cache_local_max_block_size": str(2 << 20),
}


class RemoteFolder(Folder):
    """A place behind a URL; which files there are, and how large they are, it has to be told."""

    base = HERE

    def __init__(self, url: str, storage: Mapping[str, object] | None) -> None:
        self.url = url.rstrip("/")
        self.place = shown(self.url)
        self._sizes: dict[str, int] = {}
        self._remotes = Remotes(storage or {})
        self._storage = self._remotes.storage(self.url)
        self._path = self._storage._strip_protocol(self.url)
        self._failure: StoreError | None = None
        self._lock = threading.Lock()

    def size(self, path: str) -> int | None:
        """Return how many bytes a file has."""
        return self._sizes.get(path)

    def modified(self, _path: str) -> datetime:
        """Return the same for every file, which never changes."""
        return _NEVER

    def open(self, path: str) -> ServedFile:
        """Return a file for reading, of which nothing is read yet."""
        return _RemoteFile(self, path, self._sizes[path])

    def parquet(self, path: str) -> Any:
        """Return a file for reading."""
        return self.open(path)

    def lost(self, _error: duckdb.Error, _paths: Iterable[str]) -> StoreError | None:
        """Return why a file could not be read since this was asked last."""
        with self._lock:
            told, self._failure = self._failure, None
        return told

    def tune(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Set how many requests go on at once, and that what was read is kept, where DuckDB can do either."""
        known = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        # DuckDB 1.4 keeps all that it read, and can do with one thread alone.
        if _SETTINGS.keys() <= known.keys():
            for name, value in {**_SETTINGS, "threads": max(_THREADS, int(known["threads"]))}.items():
                connection.execute(f"SET {name} = {value}")

    def read(self, path: str, start: int, count: int) -> bytes:
        """Return a part of a file; raises `OSError`, and remembers why, where it cannot be had."""
        try:
            piece = self._remotes.read(self._storage, self._within(path), start, count)
            if len(piece) != count:
                reason = f"its file {path} is not as it was written: {len(piece):,} bytes came of {count:,}"
                raise StoreDamaged(self.place, reason)
            return piece
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            told = error if isinstance(error, StoreError) else self.failed(path, error)
        with self._lock:
            self._failure = self._failure or told
        raise OSError(str(told)) from None

    def mark(self, path: str) -> tuple[object, ...] | None:
        """Return what is another value for another content of a file; None where there is none."""
        try:
            info = self._storage.info(self._within(path))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            raise self.failed(path, error) from None
        return tuple(info.get(key) for key in ("size", "ETag", "etag", "LastModified", "mtime"))

    def has_folder(self, path: str) -> bool:
        """Tell whether anything lies in a folder; what lists nothing, such as a web server, has none."""
        if "http" in self._storage.protocol:
            return False
        try:
            return bool(self._storage.ls(self._within(path), detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            raise self.failed(path, error) from None

    def know(self, sizes: Mapping[str, int]) -> None:
        """Be told of files, and how many bytes they have."""
        # Those of an earlier commit may still be asked for.
        self._sizes |= sizes

    def bring_settings(self, root: Path) -> None:
        """Copy settings, files of names and declared tables, those that there are, to a folder."""
        for name in (TABLES, FILE):
            self.bring(name, root / name)
        try:
            layers = Settings.of_store(root).layers
        except ConfigError:  # which is told when a name is asked for
            return
        for name in (one for layer in layers for one in layer.values.get("names.files", ())):
            path = PurePosixPath(name)
            if not path.is_absolute() and ".." not in path.parts:
                to = root / path
                to.parent.mkdir(parents=True, exist_ok=True)
                self.bring(str(path), to)

    def bring(self, path: str, to: Path) -> bool:
        """Copy a file to this machine, and tell whether there is one."""
        try:
            self._storage.get_file(self._within(path), str(to))
        except FileNotFoundError:
            with suppress(OSError):
                to.unlink()
            return False
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            raise self.failed(path, error) from None
        return True

    def failed(self, path: str, error: Exception) -> StoreError:
        """Return what went wrong with a file as one sentence that has nothing secret in it."""
        if isinstance(error, FileNotFoundError):
            return StoreDamaged(self.place, f"its file {path} is missing")
        return StoreError(self.place, failure(self.place, error).reason)

    def close(self) -> None:
        """Read nothing more."""
        self._remotes.close()

    def _within(self, path: str) -> str:
        return f"{self._path}/{path}"


class _RemoteFile(ServedFile):
    def __init__(self, folder: RemoteFolder, path: str, size: int) -> None:
        super().__init__(size)
        self._folder = folder
        self._path = path

    def fetch(self, start: int, count: int) -> bytes:
        return self._folder.read(self._path, start, count)
