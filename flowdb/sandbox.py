"""A DuckDB for queries of people who are not trusted: it reads the store's Parquet files, and nothing else.

DuckDB's external access is off and its configuration locked. The files of the store are behind
a file system of flowdb's own, which opens nothing for writing: DuckDB itself tells no reading
from writing where it allows a path, and its SQL has more than one way to write.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import fsspec

from flowdb.errors import QueryError
from flowdb.quoting import quote_text

__all__ = ["check", "connect", "inside"]

_PROTOCOL = "flowdb"
_HERE = f"{_PROTOCOL}://"
_SUFFIX = ".parquet"
_SETTINGS = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # What goes out as Arrow is to come back as what it was.
    "arrow_lossless_conversion": "true",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_EXPLAIN = re.compile(r"EXPLAIN\s+(ANALYZE\s+)?(\([\w\s,]*\))?", re.IGNORECASE)


class _Files(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """The Parquet files below a folder, for reading."""

    protocol = _PROTOCOL
    cachable = False

    def __init__(self, root: Path) -> None:
        super().__init__(skip_instance_cache=True)
        self._root = os.path.realpath(root)

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

    def open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        """Return a file for reading."""
        if mode != "rb":
            raise PermissionError(f"{path}: nothing is written in a sandbox")
        return open(self._real(path), "rb")

    def _real(self, path: str) -> str:
        """Return where a file lies; raises `FileNotFoundError` for what is none, or leads elsewhere."""
        name = path.removeprefix(_HERE)
        real = f"{self._root}{os.sep}{name}"
        if not name.endswith(_SUFFIX) or os.path.realpath(real) != real or not os.path.isfile(real):
            raise FileNotFoundError(f"{path}: no file of the store")
        return real


def connect(root: Path, config: Mapping[str, str], statements: Iterable[str]) -> duckdb.DuckDBPyConnection:
    """Return a connection on which `statements` were run and that was closed off then."""
    connection = duckdb.connect(config={**config, **_SETTINGS})
    connection.register_filesystem(_Files(root))
    connection.execute(f"SET allowed_directories = [{quote_text(_HERE)}]")
    for statement in statements:
        connection.execute(statement)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def inside(root: Path, statements: Iterable[str]) -> list[str]:
    """Return statements that name files of a store by path as the sandbox knows them."""
    outside = quote_text(glob.escape(os.path.join(root, "")))[:-1]
    return [statement.replace(outside, f"'{_HERE}") for statement in statements]


def check(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise `QueryError` for statements that do more than read."""
    for statement in connection.extract_statements(query):
        inner = [statement]
        if statement.type == duckdb.StatementType.EXPLAIN and (found := _EXPLAIN.match(statement.query)):
            inner = connection.extract_statements(statement.query[found.end() :])
        if [one.type for one in inner] != [duckdb.StatementType.SELECT]:
            kind = statement.type.name.replace("_", " ")
            raise QueryError(f"a sandbox takes SELECT and EXPLAIN SELECT, and no {kind}", query)
