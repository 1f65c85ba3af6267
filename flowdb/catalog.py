"""The SQLite catalogue: sources, data files, commits. What it says is the truth of a store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from flowdb.errors import StoreDamaged, StoreError, StoreTooNew, UsageError
from flowdb.faults import reached
from flowdb.rows import (
    FILES,
    SCHEMA_VERSION,
    TABLES,
    Change,
    CommitRow,
    FileRow,
    Retired,
    SourceRow,
    Written,
    make_tables,
)

__all__ = ["Catalog", "Known"]

_APPLICATION_ID = 0x666C6F77  # "flow"
_BUSY_SECONDS = 60.0


class Known(NamedTuple):
    """What identifies a source that is in the store."""

    source_id: int
    size: int
    modified: int
    fingerprint: str


_Row = TypeVar("_Row", SourceRow, FileRow, CommitRow, Retired)


class Catalog:
    """A connection to a store's catalogue, for one thread.

    Whatever SQLite reports as damage is raised as `StoreDamaged`, of the folder that it lies in unless
    it is of another `store`. A catalogue of an earlier
    version `is_old`: it is read by way of a copy in memory, and changed by `upgrade` alone.
    """

    def __init__(self, path: Path, store: str | None = None) -> None:
        self._path = path
        self._store = store or str(path.parent)
        self._files: tuple[int, list[FileRow]] | None = None
        self._is_complete = False
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
            # A transaction that does not fit its cache would keep readers waiting from there on.
            self._connection.execute("PRAGMA cache_spill = OFF")
            application, version = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
        if application != _APPLICATION_ID:
            raise StoreDamaged(self._store, f"{path.name} is not the catalogue of a flowdb store")
        if not 1 <= version <= SCHEMA_VERSION:
            raise StoreTooNew(self._store, version, SCHEMA_VERSION)
        self.is_old = version < SCHEMA_VERSION
        if self.is_old:
            from flowdb.upgrade import upgrade

            with self._errors(), closing(self._connection) as stored:
                self._connection = sqlite3.connect(":memory:", isolation_level=None)
                stored.backup(self._connection)
                upgrade(self._connection, None)

    @staticmethod
    def create(path: Path) -> None:
        """Make an empty catalogue, in one step: no one sees half of it."""
        # SQLite would leave out what the umask allows to the group.
        path.touch()
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            make_tables(connection)
            connection.execute("COMMIT")

    def upgrade(self) -> None:
        """Bring a catalogue of an earlier version to this one, in one transaction. For a writer."""
        from flowdb.upgrade import upgrade

        with self._errors(), closing(sqlite3.connect(self._path, isolation_level=None)) as stored:
            stored.execute("PRAGMA synchronous = EXTRA")
            upgrade(stored, self._path.parent)
        self.close()
        self.__init__(self._path)  # type: ignore[misc]

    def complete(self) -> None:
        """Read from the files what a catalogue of an earlier version does not say of them, if it is one.

        That is how many rows of each source they have, and from when these are; it is known to this
        reader alone.
        """
        if self.is_old and not self._is_complete:
            from flowdb.upgrade import read_files

            with self._errors():
                read_files(self._connection, self._path.parent)
            self._files = None
            self._is_complete = True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def last_commit(self) -> int:
        """The newest commit; 0 in an empty store."""
        with self._errors():
            return int(self._value("SELECT coalesce(max(commit_id), 0) FROM commits"))

    @property
    def has_ledgers(self) -> bool:
        """Whether there are ledgers of this catalogue; not before the first commit of this version."""
        with self._errors():
            query = "SELECT NOT EXISTS (SELECT 1 FROM commits) OR EXISTS (SELECT 1 FROM files WHERE kind = ?)"
            return bool(self._connection.execute(query, (FILES,)).fetchone()[0])

    @property
    def last_source(self) -> int:
        """The highest source id that was ever given; 0 in an empty store."""
        with self._errors():
            # Each commit has the highest so far; to look at all of them takes longer with every one.
            newest = "(SELECT last_source FROM commits ORDER BY commit_id DESC LIMIT 1)"
            return int(self._value(f"SELECT coalesce({newest}, 0)"))

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths."""
        with self._errors():
            # The number is another one after a commit of somebody else.
            version = self._value("PRAGMA data_version")
            if self._files is None or self._files[0] != version:
                self._files = version, list(self._rows("files", FileRow, "ORDER BY path"))
            return list(self._files[1])

    def sources(self) -> Iterator[SourceRow]:
        """Yield the sources, in the order of their ids."""
        yield from self._rows("sources", SourceRow, "ORDER BY source_id")

    def commits(self) -> Iterator[CommitRow]:
        """Yield the commits, oldest first."""
        yield from self._rows("commits", CommitRow, "ORDER BY commit_id")

    def retired(self, until: str | None = None) -> list[Retired]:
        """Return the files that no commit has any more, oldest first: those retired by a time, or all."""
        which = "" if until is None else "WHERE retired_at <= ?"
        return list(self._rows("retired", Retired, f"{which} ORDER BY retired_at, path", until))

    def size_of_sources(self) -> tuple[int, int, int]:
        """Return how many sources there are, their bytes of text, and their bytes as delivered."""
        query = "SELECT count(*), coalesce(sum(raw_bytes), 0), coalesce(sum(size), 0) FROM sources"
        with self._errors():
            count, raw_bytes, size = self._connection.execute(query).fetchone()
        return count, raw_bytes, size

    def rows_of_sources(self) -> int:
        """Return how many rows the files have of all sources together."""
        with self._errors():
            return int(self._value("SELECT coalesce(sum(records), 0) FROM shares"))

    def shares(self, source_ids: Iterable[int]) -> dict[str, dict[int, int]]:
        """Return the files that have rows of these sources, and how many of each."""
        found: dict[str, dict[int, int]] = {}
        with self._asked("source_id", source_ids):
            query = (
                "SELECT path, source_id, records FROM shares WHERE source_id IN (SELECT source_id FROM asked)"
            )
            for path, source_id, records in self._connection.execute(query):
                found.setdefault(path, {})[source_id] = records
        return found

    def shares_of(self, path: str) -> dict[int, int]:
        """Return how many rows of each source a file has."""
        with self._errors():
            query = "SELECT source_id, records FROM shares WHERE path = ?"
            return dict(self._connection.execute(query, (path,)).fetchall())

    def sources_before(self, when: str) -> list[int]:
        """Return the sources with bad lines whose records, or that themselves, are all from before a time."""
        query = "SELECT source_id FROM sources WHERE bad_lines > 0 AND coalesce(last_start, delivered) < ?"
        with self._errors():
            return [source_id for (source_id,) in self._connection.execute(query, (when,))]

    def known(self, uris: Iterable[str]) -> dict[str, Known]:
        """Return those of the sources that are in the store."""
        with self._asked("uri", uris):
            query = "SELECT uri, source_id, size, modified, fingerprint FROM asked JOIN sources USING (uri)"
            return {row[0]: Known(*row[1:]) for row in self._connection.execute(query)}

    def same_objects(self, name: str, size: int) -> list[tuple[str, str]]:
        """Return URI and fingerprint of the sources with this name and size, wherever they lay."""
        with self._errors():
            return self._connection.execute(
                "SELECT uri, fingerprint FROM sources WHERE name = ? AND size = ? ORDER BY source_id",
                (name, size),
            ).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all that is read be of one moment; a commit waits for its end."""
        with self._errors():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def touch(self, times: Iterable[tuple[str, int]]) -> None:
        """Note when sources, whose content is the one that is known, were last changed."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE sources SET modified = ? WHERE uri = ?", ((modified, uri) for uri, modified in times)
            )

    def commit(self, commit: CommitRow, change: Change) -> None:
        """Add a commit with all that it changes, or nothing."""
        with self._transaction():
            gone = {row.path for row in change.retired}
            files = [row for row in self.files() if row.path not in gone]
            files += [written.row for written in change.files]
            version = self._value("PRAGMA data_version")
            self._insert("commits", [commit])
            self._delete(
                "sources", "source_id", [*change.forgotten, *(row.source_id for row in change.amended)]
            )
            self._insert("sources", [*change.sources, *change.amended])
            retired = [row.path for row in change.retired]
            self._delete("files", "path", retired)
            self._delete("shares", "path", retired)
            self._insert(
                "retired",
                [
                    Retired(row.path, row.bytes, commit.committed_at, commit.commit_id)
                    for row in change.retired
                ],
            )
            self._insert_files(change.files)
            reached("catalog.commit")
        # It takes longer to read them all again than to add a few.
        self._files = version, sorted(files, key=lambda row: row.path)

    def fill(
        self,
        commits: Sequence[CommitRow],
        sources: Sequence[SourceRow],
        files: Sequence[Written],
        retired: Sequence[Retired],
    ) -> None:
        """Put into an empty catalogue what was found elsewhere."""
        with self._transaction():
            self._insert("commits", commits)
            self._insert("sources", sources)
            self._insert("retired", retired)
            self._insert_files(files)

    def forget_retired(self, paths: Iterable[str]) -> None:
        """Note that retired files were removed."""
        with self._transaction():
            self._delete("retired", "path", list(paths))

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the catalogue."""
        with self._errors():
            found = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def copy(self, path: Path) -> None:
        """Write the catalogue, as it is at one moment, to a new file."""
        path.touch()
        with self._errors(), closing(sqlite3.connect(path)) as target:
            self._connection.backup(target)

    def _insert(self, table: str, rows: Sequence[SourceRow | FileRow | CommitRow | Retired]) -> None:
        columns = [column.name for column in fields(TABLES[table][0])]
        values = ([getattr(row, column) for column in columns] for row in rows)
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)

    def _insert_files(self, files: Sequence[Written]) -> None:
        self._insert("files", [written.row for written in files])
        shares = (
            (written.row.path, source_id, records)
            for written in files
            for source_id, records in written.shares.items()
        )
        self._connection.executemany("INSERT INTO shares VALUES (?, ?, ?)", shares)

    def _delete(self, table: str, key: str, values: Sequence[object]) -> None:
        self._connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((value,) for value in values))

    def _rows(self, table: str, row: type[_Row], rest: str, *values: object) -> Iterator[_Row]:
        with self._errors():
            bound = [value for value in values if value is not None]
            # A statement that is not read to its end would keep a writer waiting.
            for found in self._connection.execute(f"SELECT * FROM {table} {rest}", bound).fetchall():
                yield row(*found)

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    @contextmanager
    def _asked(self, column: str, values: Iterable[object]) -> Iterator[None]:
        """Have values in the table `asked` for a query, in a transaction that is taken back."""
        with self._errors():
            self._connection.execute("BEGIN")
            try:
                self._connection.execute(f"CREATE TEMP TABLE asked ({column})")
                self._connection.executemany("INSERT INTO asked VALUES (?)", ((value,) for value in values))
                yield
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._files = None
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise UsageError("a FlowDB is for one thread; open the store again in the other") from error
        except sqlite3.OperationalError as error:
            raise StoreError(self._store, f"its catalogue cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(
                self._store, f"its catalogue is damaged ({error}); mend it with: flowdb verify --repair"
            ) from error
