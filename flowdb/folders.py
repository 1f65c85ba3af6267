"""Where the files of a store lie, and how they are read there."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb.errors import StoreDamaged, StoreError, gist

if TYPE_CHECKING:
    import duckdb

__all__ = ["HERE", "PROTOCOL", "Folder", "LocalFolder", "ServedFile", "unreadable"]

PROTOCOL = "flowdb"
HERE = f"{PROTOCOL}://"
"""How the path of a file begins that is served; what follows is its path in the store."""


class ServedFile(io.RawIOBase):
    """A file of `size` bytes that is read by several threads at once, each at a place of its own."""

    def __init__(self, size: int) -> None:
        self.size = size
        # By thread: to Python, a thread of DuckDB's is another one each time it comes, but for its number.
        self._places: dict[int, int] = {}

    def fetch(self, start: int, count: int) -> bytes:
        """Return what the file has there: so many bytes, or up to its end."""
        raise NotImplementedError

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place can be read."""
        return True

    def tell(self) -> int:
        """Return the place that this thread reads next."""
        return self._places.get(threading.get_ident(), 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Have this thread read on at another place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.size}[whence]
        self._places[threading.get_ident()] = start + offset
        return start + offset

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, or what is left of them."""
        start = self.tell()
        left = max(self.size - start, 0)
        piece = self.fetch(start, left if size is None or size < 0 else min(size, left))
        self.seek(start + len(piece))
        return piece

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into the buffer."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class Folder:
    """Where files lie. `base` is what their paths begin with where DuckDB reads them."""

    base: str

    def size(self, path: str) -> int | None:
        """Return how many bytes a file has; None where there is none, or it leads elsewhere."""
        raise NotImplementedError

    def modified(self, path: str) -> datetime:
        """Return when a file, which there is, was last changed."""
        raise NotImplementedError

    def open(self, path: str) -> ServedFile:
        """Return a file, which there is, for reading."""
        raise NotImplementedError

    def parquet(self, path: str) -> Any:
        """Return what pyarrow reads a file by."""
        raise NotImplementedError

    def lost(self, error: duckdb.Error, paths: Iterable[str]) -> StoreError | None:
        """Return what is wrong with these files, where that is what an error of DuckDB's comes of."""
        raise NotImplementedError

    def tune(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Set what makes a connection read from here as it is best read."""

    def know(self, sizes: Mapping[str, int]) -> None:
        """Be told of files, and how many bytes they have."""

    def bring_settings(self, root: Path) -> None:
        """Copy settings, files of names and declared tables, if they lie elsewhere, to a folder."""

    def close(self) -> None:
        """Read nothing more."""


class LocalFolder(Folder):
    """A folder of this machine."""

    def __init__(self, path: str | Path) -> None:
        self.base = os.path.realpath(path)

    def size(self, path: str) -> int | None:
        """Return how many bytes a file has; None where there is none, or it leads elsewhere."""
        real = self._real(path)
        is_there = os.path.realpath(real) == real and os.path.isfile(real)
        return os.stat(real).st_size if is_there else None

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed."""
        return datetime.fromtimestamp(os.stat(self._real(path)).st_mtime, UTC)

    def open(self, path: str) -> ServedFile:
        """Return a file for reading."""
        return _LocalFile(self._real(path))

    def parquet(self, path: str) -> Any:
        """Return the path of a file."""
        return os.path.join(self.base, path)

    def lost(self, error: duckdb.Error, paths: Iterable[str]) -> StoreError | None:
        """Return what DuckDB says of a file, where one is missing."""
        import duckdb

        is_of_files = isinstance(error, duckdb.IOException)
        if not is_of_files or all(map(os.path.exists, map(self.parquet, paths))):
            return None
        return StoreDamaged(self.base, unreadable(error))

    def _real(self, path: str) -> str:
        return f"{self.base}{os.sep}{path}"


class _LocalFile(ServedFile):
    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY)
        super().__init__(os.fstat(self._file).st_size)

    def fetch(self, start: int, count: int) -> bytes:
        return os.pread(self._file, count, start)

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def unreadable(error: Exception) -> str:
    """Return what is wrong with files that DuckDB cannot read."""
    return f"its files cannot be read ({gist(str(error))})"
