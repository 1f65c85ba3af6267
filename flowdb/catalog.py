"""The SQLite catalogue: sources, data files, commits. What it says is the truth of a store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from flowdb.errors import StoreDamaged, StoreError, UsageError

__all__ = ["QUARANTINE", "SCHEMA_VERSION", "Catalog", "CommitRow", "FileRow", "SourceRow"]

SCHEMA_VERSION = 1
QUARANTINE = "quarantine"
"""The kind of a file of lines that were no records, and its folder."""
_APPLICATION_ID = 0x666C6F77  # "flow"
_BUSY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source whose records are in the store; sizes are bytes, times UTC in ISO 8601."""

    source_id: int
    uri: str
    name: str
    size: int
    modified: int
    fingerprint: str
    layout: str
    lines: int
    records: int
    bad_lines: int
    raw_bytes: int
    first_start: str | None
    last_start: str | None
    commit_id: int


@dataclass(frozen=True, slots=True)
class FileRow:
    """A Parquet file of the store: its path inside it, and what it holds.

    `kind` is that of a dataset, or `QUARANTINE`. `version` is that of its schema: it has the
    fields of AWS's formats up to this version. `extra` are the columns, comma-separated, that
    it has beside them. Files of quarantined lines have version 0 and no date.
    """

    path: str
    kind: str
    date: str
    version: int
    extra: str
    records: int
    bytes: int
    checksum: str
    commit_id: int


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One change of the store, with what it added; `committed_at` is UTC in ISO 8601."""

    commit_id: int
    verb: str
    committed_at: str
    sources: int
    records: int
    bad_lines: int
    raw_bytes: int
    source_bytes: int
    parquet_bytes: int
    seconds: float


_Row = TypeVar("_Row", SourceRow, CommitRow)
_TABLES = {"sources": SourceRow, "files": FileRow, "commits": CommitRow}
_SQL_TYPES = {"int": "INTEGER", "str": "TEXT", "float": "REAL"}
_KEYS = {"sources": "source_id", "files": "path", "commits": "commit_id"}


def _definition(table: str) -> str:
    """Return the statement that makes a table, from the rows it holds."""
    columns = []
    for column in fields(_TABLES[table]):
        kind, _, nullable = str(column.type).partition(" | ")
        rule = "" if nullable else " NOT NULL"
        rule += " PRIMARY KEY" if column.name == _KEYS[table] else " UNIQUE" if column.name == "uri" else ""
        columns.append(f"{column.name} {_SQL_TYPES[kind]}{rule}")
    return f"CREATE TABLE {table} ({', '.join(columns)}) STRICT"


class Catalog:
    """A connection to a store's catalogue, for one thread.

    Whatever SQLite reports as damage is raised as `StoreDamaged`.
    """

    def __init__(self, path: Path) -> None:
        self._store = str(path.parent)
        # A catalogue that may not be written is still read: a rollback journal leaves no file beside it.
        writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        with self._errors():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'rw' if writable else 'ro'}",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
            )
            self._connection.execute("PRAGMA synchronous = EXTRA")
            application, version = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
        if application != _APPLICATION_ID:
            raise StoreDamaged(self._store, f"{path.name} is not the catalogue of a flowdb store")
        if version != SCHEMA_VERSION:
            reason = f"it has version {version}, and this flowdb reads version {SCHEMA_VERSION}"
            raise StoreDamaged(self._store, reason)

    @staticmethod
    def create(path: Path) -> None:
        """Make an empty catalogue, in one step: no one sees half of it."""
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for table in _TABLES:
                connection.execute(_definition(table))
            connection.execute("CREATE INDEX sources_by_content ON sources (name, size, fingerprint)")
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def last_commit(self) -> int:
        """The newest commit; 0 in an empty store."""
        with self._errors():
            return int(self._value("SELECT coalesce(max(commit_id), 0) FROM commits"))

    @property
    def last_source(self) -> int:
        """The highest source id in use; 0 in an empty store."""
        with self._errors():
            return int(self._value("SELECT coalesce(max(source_id), 0) FROM sources"))

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths."""
        with self._errors():
            return [FileRow(*row) for row in self._connection.execute("SELECT * FROM files ORDER BY path")]

    def sources(self, first_commit: int = 0, last_commit: int = 2**62) -> Iterator[SourceRow]:
        """Yield the sources that these commits brought, in the order of their ids."""
        yield from self._between("sources", SourceRow, "source_id", first_commit, last_commit)

    def commits(self, first_commit: int = 0, last_commit: int = 2**62) -> Iterator[CommitRow]:
        """Yield these commits, oldest first."""
        yield from self._between("commits", CommitRow, "commit_id", first_commit, last_commit)

    def time_range(self) -> tuple[str | None, str | None]:
        """Return the first and the last start of all records."""
        with self._errors():
            query = "SELECT min(first_start), max(last_start) FROM sources"
            first, last = self._connection.execute(query).fetchone()
        return first, last

    def known(self, uris: Iterable[str]) -> dict[str, tuple[int, int, str]]:
        """Return size, time of change and fingerprint of those of the sources that are in the store."""
        with self._errors():
            self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (uri TEXT)")
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT INTO asked VALUES (?)", ((uri,) for uri in uris))
            found = self._connection.execute(
                "SELECT uri, size, modified, fingerprint FROM asked JOIN sources USING (uri)"
            ).fetchall()
            self._connection.execute("ROLLBACK")
        return {uri: (size, modified, fingerprint) for uri, size, modified, fingerprint in found}

    def same_objects(self, name: str, size: int) -> list[tuple[str, str]]:
        """Return URI and fingerprint of the sources with this name and size, wherever they lay."""
        with self._errors():
            return self._connection.execute(
                "SELECT uri, fingerprint FROM sources WHERE name = ? AND size = ? ORDER BY source_id",
                (name, size),
            ).fetchall()

    def touch(self, times: Iterable[tuple[str, int]]) -> None:
        """Note when sources, whose content is the one that is known, were last changed."""
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "UPDATE sources SET modified = ? WHERE uri = ?", ((modified, uri) for uri, modified in times)
            )
            self._connection.execute("COMMIT")

    def commit(self, commit: CommitRow, sources: Sequence[SourceRow], files: Sequence[FileRow]) -> None:
        """Add a commit with its sources and files: all of it, or nothing."""
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._insert("commits", [commit])
                self._insert("sources", sources)
                self._insert("files", files)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    def _insert(self, table: str, rows: Sequence[SourceRow | FileRow | CommitRow]) -> None:
        marks = ", ".join("?" * len(fields(_TABLES[table])))
        self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", map(astuple, rows))

    def _between(self, table: str, row: type[_Row], key: str, first: int, last: int) -> Iterator[_Row]:
        query = f"SELECT * FROM {table} WHERE commit_id BETWEEN ? AND ? ORDER BY {key}"
        with self._errors():
            for values in self._connection.execute(query, (first, last)):
                yield row(*values)

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise UsageError("a FlowDB is for one thread; open the store again in the other") from error
        except sqlite3.OperationalError as error:
            raise StoreError(self._store, f"its catalogue cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(self._store, f"its catalogue is damaged ({error})") from error
