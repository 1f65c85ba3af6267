"""What a question needs of a store, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowdb.errors import StoreDamaged
from flowdb.folders import HERE, Folder, LocalFolder
from flowdb.generated import shown_statements, statements
from flowdb.own_tables import run, tables_digest

if TYPE_CHECKING:
    import duckdb

    from flowdb.errors import StoreError
    from flowdb.rows import CommitRow, FileRow, Retired, SourceRow

__all__ = ["OF_A_LAKE", "OF_A_URL", "Readable"]

OF_A_URL = (
    "it is behind a URL, and read only here: a store is changed where it was uploaded from,"
    " a lake by flowdb.spark.ingest"
)
OF_A_LAKE = "it is a lake, and read only here: flowdb.spark.ingest adds to it"


class _Catalog(Protocol):
    """What a question needs of a catalogue; `Catalog` says of each what it is."""

    @property
    def is_old(self) -> bool: ...
    @property
    def last_commit(self) -> int: ...
    def complete(self) -> None: ...
    def snapshot(self) -> AbstractContextManager[None]: ...
    def files(self) -> list[FileRow]: ...
    def sources(self) -> Iterator[SourceRow]: ...
    def commits(self) -> Iterator[CommitRow]: ...
    def retired(self) -> list[Retired]: ...
    def size_of_sources(self) -> tuple[int, int, int]: ...
    def shares(self, source_ids: Iterable[int]) -> dict[str, dict[int, int]]: ...


class Readable:
    """A store that is asked: its newest commit, and the folder that the files of that lie in.

    `place` is the path or the URL that it is known by, `root` the folder of this machine with its
    small files: settings, names, declared tables. `read_only` says why it cannot be changed.
    """

    catalog: _Catalog
    read_only = ""

    def __init__(self, place: str, root: Path, folder: Folder) -> None:
        self.place = place
        self.root = root
        self.folder = folder

    @property
    def aside(self) -> list[Path]:
        """The folders of files of this process alone, which are in place of some of the store's own."""
        return []

    @property
    def shown(self) -> tuple[int, str]:
        """What the views show: the newest commit, and the tables that are declared."""
        return self.catalog.last_commit, tables_digest(self.root)

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths."""
        return self.catalog.files()

    def view_statements(self) -> list[str]:
        """Return the statements that make the views of the newest commit, or replace those of another."""
        return shown_statements(self.root, self.files(), self.folder.base)

    def statements(self) -> list[str]:
        """Return the statements that show the store in an empty DuckDB database."""
        return statements(self.root, self.files(), self.folder.base)

    def fill(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the views and macros of the newest commit in an empty DuckDB database."""
        run(connection, self.statements())

    def reach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Have a connection that may read any file read those of the store."""
        if self.folder.base == HERE:
            self.serve(connection)

    def serve(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Have a connection read the files of the store by their paths in it, and no others that way."""
        from flowdb.served import Served

        Served([*map(LocalFolder, self.aside), self.folder]).to(connection)
        self.folder.tune(connection)

    def inside(self, statements: Iterable[str]) -> list[str]:
        """Return statements that name files as `serve` serves them."""
        from flowdb.sandbox import inside

        return inside([*self.aside, self.folder.base], statements)

    def refresh(self) -> None:
        """Bring what is made for other programs up to date, where there is any."""

    def failure(self, error: duckdb.Error) -> StoreError | None:
        """Return what an error of DuckDB's says of the store, if it does, and not of the query."""
        lost = self.folder.lost(error, [row.path for row in self.files()])
        return self.damaged(lost.reason) if isinstance(lost, StoreDamaged) else lost

    def damaged(self, reason: str) -> StoreError:
        """Return the error for a store whose files DuckDB cannot read."""
        return StoreDamaged(self.place, reason)

    def close(self) -> None:
        """Let go of it."""
