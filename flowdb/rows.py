"""The rows of a store's catalogue, the tables that hold them, and what one commit changes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "COMMITS",
    "FILES",
    "QUARANTINE",
    "SCHEMA_VERSION",
    "SOURCES",
    "TABLES",
    "Change",
    "CommitRow",
    "FileRow",
    "Retired",
    "SourceRow",
    "Written",
    "iso_time",
    "make_tables",
]

SCHEMA_VERSION = 2

QUARANTINE = "quarantine"
"""The kind of a file of lines that were no records, and its folder."""
SOURCES = "sources"
"""The kind of a file of the ledger of sources."""
COMMITS = "commits"
"""The kind of a file of the ledger of commits."""
FILES = "files"
"""The kind of the file that lists all others."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source whose records are in the store; sizes are bytes, times UTC in ISO 8601.

    `delivered` is when its name, its folder or its last change says that it was written,
    `layout` the fields that its records have, all of them where they differ.
    """

    source_id: int
    uri: str
    name: str
    size: int
    modified: int
    delivered: str
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

    `kind` is that of a dataset, `QUARANTINE`, or that of a ledger: `SOURCES`, `COMMITS`,
    `FILES`. `version` is that of its schema: it has the fields of AWS's formats up to this
    version. `extra` are the columns, comma-separated, that it has beside them. Files that hold
    no records have no date, and version 0, as have those of a lake, of which nobody noted it. `is_sorted`
    tells that it was compacted, `only_action` which action alone its records have, if others were pruned.
    `commit_id` is the commit that wrote it.
    """

    path: str
    kind: str
    date: str
    version: int
    extra: str
    records: int
    bytes: int
    checksum: str
    first_start: str | None
    last_start: str | None
    is_sorted: bool
    only_action: str
    commit_id: int


@dataclass(frozen=True, slots=True)
class CommitRow:
    """One change of the store; `committed_at` is UTC in ISO 8601, sizes are bytes.

    `sources`, `records`, `bad_lines`, `raw_bytes` and `source_bytes` are those that came,
    `removed_sources`, `removed_records` and `removed_bad_lines` those that went; what was only
    written anew is in neither. `parquet_bytes` is the size of the new files of records,
    `last_source` the highest id that a source had been given by then.
    """

    commit_id: int
    verb: str
    committed_at: str
    sources: int
    records: int
    bad_lines: int
    raw_bytes: int
    source_bytes: int
    parquet_bytes: int
    removed_sources: int
    removed_records: int
    removed_bad_lines: int
    last_source: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Retired:
    """A file that a commit took out of the store, kept for those who read an older commit."""

    path: str
    bytes: int
    retired_at: str
    commit_id: int


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written, and how many of its rows come of each source."""

    row: FileRow
    shares: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit adds and takes away; files that it retires are no part of the store any more.

    `amended` are rows that say something else of sources than the catalogue does.
    """

    sources: Sequence[SourceRow] = ()
    files: Sequence[Written] = ()
    retired: Sequence[FileRow] = ()
    forgotten: Sequence[int] = ()
    amended: Sequence[SourceRow] = ()


TABLES: dict[str, tuple[type[Any], str]] = {
    "sources": (SourceRow, "source_id"),
    "files": (FileRow, "path"),
    "commits": (CommitRow, "commit_id"),
    "retired": (Retired, "path"),
}
"""The tables of the catalogue, with their rows and keys."""
_SQL_TYPES = {"int": "INTEGER", "bool": "INTEGER", "str": "TEXT", "float": "REAL"}
_SHARES = (
    "CREATE TABLE shares (path TEXT NOT NULL, source_id INTEGER NOT NULL, records INTEGER NOT NULL,"
    " PRIMARY KEY (path, source_id)) STRICT, WITHOUT ROWID"
)


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of this version's catalogue, in the transaction that is open."""
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for table in TABLES:
        connection.execute(_definition(table))
    connection.execute(_SHARES)
    connection.execute("CREATE INDEX sources_by_content ON sources (name, size, fingerprint)")


def _definition(table: str) -> str:
    """Return the statement that makes a table, from the rows it holds."""
    row, key = TABLES[table]
    columns = []
    for column in fields(row):
        kind, _, nullable = str(column.type).partition(" | ")
        rule = "" if nullable else " NOT NULL"
        rule += " PRIMARY KEY" if column.name == key else " UNIQUE" if column.name == "uri" else ""
        columns.append(f"{column.name} {_SQL_TYPES[kind]}{rule}")
    return f"CREATE TABLE {table} ({', '.join(columns)}) STRICT"


def iso_time(milliseconds: float) -> str:
    """Return a time since 1970 as the catalogue has it: ISO 8601, UTC, without a zone."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds")
