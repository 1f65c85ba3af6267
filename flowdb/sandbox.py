"""A DuckDB for queries of people who are not trusted: it reads the store's Parquet files, and nothing else.

DuckDB's external access is off and its configuration locked. The files of the store are behind
a file system of flowdb's own, which opens nothing for writing: DuckDB itself tells no reading
from writing where it allows a path, and its SQL has more than one way to write.
"""

from __future__ import annotations

import glob
import io
import os
import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import fsspec

from flowdb.errors import QueryError
from flowdb.own_tables import run
from flowdb.quoting import quote_text

__all__ = ["check", "connect", "inside"]

_PROTOCOL = "flowdb"
_HERE = f"{_PROTOCOL}://"
_SUFFIX = ".parquet"
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # What goes out as Arrow is to come back as what it was.
    "arrow_lossless_conversion": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    # DuckDB lets SQL write where it may write itself: it has the memory and no disk.
    "temp_directory": "",
}
_EXPLAIN = re.compile(r"EXPLAIN\s+(ANALYZE\s+)?(\([\w\s,]*\))?", re.IGNORECASE)


class _File(io.RawIOBase):
    """A file that is read by several threads at once, each at a place of its own."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._size = os.fstat(self._file).st_size
        # By thread: to Python, a thread of DuckDB's is another one each time it comes, but for its number.
        self._places: dict[int, int] = {}

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
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._places[threading.get_ident()] = start + offset
        return start + offset

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into the buffer."""
        chunk = os.pread(self._file, len(buffer), self.tell())
        buffer[: len(chunk)] = chunk
        self.seek(len(chunk), os.SEEK_CUR)
        return len(chunk)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._file)
        super().close()


class _Files(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """The Parquet files below folders, for reading; what two of them have is that of the first."""

    protocol = _PROTOCOL
    cachable = False

    def __init__(self, folders: Iterable[Path]) -> None:
        super().__init__(skip_instance_cache=True)
        self._folders = [os.path.realpath(folder) for folder in folders]

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the path itself, if there is such a file: there are no patterns here."""
        return [path.removeprefix(_HERE)] if self.exists(path) else []

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether there is such a file."""
        try:
            self._real(path)
        except OSError:
            return False
        return True

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size in bytes and kind of a file."""
        return {"name": path, "size": os.stat(self._real(path)).st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed."""
        return datetime.fromtimestamp(os.stat(self._real(path)).st_mtime, UTC)

    def open(self, path: str, mode: str = "rb", **_: Any) -> _File:
        """Return a file for reading."""
        if mode != "rb":
            raise PermissionError(f"{path}: nothing is written in a sandbox")
        return _File(self._real(path))

    def _real(self, path: str) -> str:
        """Return where a file lies; raises `FileNotFoundError` for what is none, or leads elsewhere."""
        name = path.removeprefix(_HERE)
        for folder in self._folders:
            real = f"{folder}{os.sep}{name}"
            if name.endswith(_SUFFIX) and os.path.realpath(real) == real and os.path.isfile(real):
                return real
        raise FileNotFoundError(f"{path}: no file of the store")


def connect(
    folders: Iterable[Path],
    fill: Callable[[duckdb.DuckDBPyConnection], None],
    statements: Iterable[str],
) -> duckdb.DuckDBPyConnection:
    """Return a connection to folders, filled, on which `statements` were run, and then closed off."""
    connection = duckdb.connect(config=_SETTINGS)
    connection.register_filesystem(_Files(folders))
    connection.execute(f"SET allowed_directories = [{quote_text(_HERE)}]")
    fill(connection)
    connection.execute("SET enable_external_access = false")
    # Views of a person's own queries are among them.
    run(connection, statements)
    connection.execute("SET lock_configuration = true")
    return connection


def inside(folders: Iterable[Path], statements: Iterable[str]) -> list[str]:
    """Return statements that name files of these folders by path as the sandbox knows them."""
    found = list(statements)
    for folder in folders:
        outside = quote_text(glob.escape(os.path.join(folder, "")))[:-1]
        found = [statement.replace(outside, f"'{_HERE}") for statement in found]
    return found


def check(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise `QueryError` for statements that do more than read."""
    for statement in connection.extract_statements(query):
        kinds = [_kind(statement)]
        if kinds == ["EXPLAIN"] and (found := _EXPLAIN.match(statement.query)):
            kinds = [_kind(one) for one in connection.extract_statements(statement.query[found.end() :])]
        if kinds != ["SELECT"]:
            raise QueryError("a sandbox takes no statements but SELECT and EXPLAIN SELECT", query)


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name
    except ValueError:  # of a kind that DuckDB has no name for in Python
        return ""
