"""Brings catalogues that earlier versions of flowdb wrote to the version of this one."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from flowdb.keys import named_time
from flowdb.rows import iso_time, make_tables

__all__ = ["read_files", "upgrade"]

_VERSION_1 = (
    """
    INSERT INTO sources
    SELECT source_id, uri, name, size, modified, delivered(uri, modified), fingerprint, layout, lines,
        records, bad_lines, raw_bytes, first_start, last_start, commit_id
    FROM old_sources
    """,
    """
    INSERT INTO commits
    SELECT commit_id, verb, committed_at, sources, records, bad_lines, raw_bytes, source_bytes,
        parquet_bytes, 0, 0, 0,
        (SELECT coalesce(max(source_id), 0) FROM old_sources WHERE commit_id <= old_commits.commit_id),
        seconds
    FROM old_commits
    """,
    """
    INSERT INTO files
    SELECT path, kind, date, version, extra, records, bytes, checksum, NULL, NULL, 0, '', commit_id
    FROM old_files
    """,
)


def upgrade(connection: sqlite3.Connection, root: Path | None) -> None:
    """Bring a catalogue of version 1 to version 2, in one transaction.

    Version 2 also knows how many rows of each source a file has, and from when they are. That
    is read from the files of the store at `root`; without one it is left out.
    """
    connection.create_function("delivered", 2, _delivered, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in ("sources", "commits", "files"):
            connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        connection.execute("DROP INDEX sources_by_content")
        make_tables(connection)
        for statement in _VERSION_1:
            connection.execute(statement)
        for table in ("sources", "commits", "files"):
            connection.execute(f"DROP TABLE old_{table}")
        if root is not None:
            read_files(connection, root)
            _retire_ledgers(connection, root)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _delivered(uri: str, modified: int) -> str:
    named = named_time(uri)
    return iso_time(named.timestamp() * 1e3 if named else modified / 1e6)


def read_files(connection: sqlite3.Connection, root: Path) -> None:
    """Have a catalogue know how many rows of each source each file has, and from when they are."""
    import pyarrow as pa

    from flowdb.contents import contents

    for (path,) in connection.execute("SELECT path FROM files").fetchall():
        with suppress(OSError, pa.ArrowException):  # what is wrong with a file, `verify` tells
            shares, first, last = contents(root / path)
            connection.executemany(
                "INSERT INTO shares VALUES (?, ?, ?)",
                ((path, source_id, records) for source_id, records in shares.items()),
            )
            connection.execute(
                "UPDATE files SET first_start = ?, last_start = ? WHERE path = ?", (first, last, path)
            )


def _retire_ledgers(connection: sqlite3.Connection, root: Path) -> None:
    """Retire the ledgers of version 1, which a shell may still have open."""
    now = iso_time(time.time() * 1000)
    (commit_id,) = connection.execute("SELECT coalesce(max(commit_id), 0) FROM commits").fetchone()
    folder = root / "meta"
    for path in [*folder.glob("sources-*"), *folder.glob("commits-*")]:
        row = (path.relative_to(root).as_posix(), path.stat().st_size, now, commit_id)
        connection.execute("INSERT INTO retired VALUES (?, ?, ?, ?)", row)
