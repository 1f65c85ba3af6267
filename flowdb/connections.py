"""The DuckDB in which a store is asked: its views are those of the newest commit."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from flowdb.folders import unreadable
from flowdb.own_tables import run

if TYPE_CHECKING:
    import duckdb

    from flowdb.readable import Readable

__all__ = ["Connections"]


class Connections:
    """The connections of one `FlowDB`, made when there is something to ask; `is_sandbox` as it says."""

    def __init__(self, *, is_sandbox: bool) -> None:
        self._is_sandbox = is_sandbox
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._asked_again: duckdb.DuckDBPyConnection | None = None
        self._earlier: list[duckdb.DuckDBPyConnection] = []
        self._shown: tuple[int, str] = (-1, "")
        self._forget: Callable[[], object] | None = None

    def of(self, store: Readable) -> duckdb.DuckDBPyConnection:
        """Return a connection whose views are those of the store's newest commit."""
        import duckdb

        shown = store.shown
        if self._connection is not None and shown[1] != self._shown[1]:
            # Results that came of it can still be fetched.
            self._earlier.append(self._connection)
            self._connection = None
        try:
            if self._connection is None:
                self._connection = self._connect(store)
            elif shown != self._shown:
                run(self._connection, self._shown_by(store))
        except duckdb.Error as error:
            self._connection = None
            raise (store.failure(error) or store.damaged(unreadable(error))) from error
        self._shown = shown
        return self._connection

    def interrupt(self) -> None:
        """End the query that another thread is waiting for."""
        import duckdb

        for connection in (self._connection, self._asked_again):
            if connection is not None:
                with suppress(duckdb.ConnectionException):  # it was closed meanwhile
                    connection.interrupt()

    def said_again(self, query: str, params: object) -> str:
        """Return what DuckDB says of a query that failed, with the picture of the place that relations lack.

        The query is run again for that, up to where it fails; nothing is said where it does not.
        """
        import duckdb

        if self._connection is None:
            return ""
        with self._connection.cursor() as again:
            self._asked_again = again
            try:
                again.execute(query, params)
                while again.fetchmany(10_000):
                    pass
            except duckdb.Error as error:
                return str(error)
            finally:
                self._asked_again = None
        return ""

    def close(self) -> None:
        """Close all of them, and remove what did not fit into memory."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        while self._earlier:
            self._earlier.pop().close()
        if self._forget is not None:
            self._forget()
            self._forget = None

    def _connect(self, store: Readable) -> duckdb.DuckDBPyConnection:
        """Return a connection with the views and macros of a store."""
        import duckdb

        if self._is_sandbox:
            from flowdb import sandbox

            return sandbox.connect(store.serve, store.fill, self._shown_by(store))
        if self._forget is None:
            # A folder that nobody else can have prepared, for what does not fit into memory.
            self._spilled = tempfile.mkdtemp(prefix="flowdb-")
            self._forget = weakref.finalize(self, shutil.rmtree, self._spilled, ignore_errors=True)
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "temp_directory": self._spilled,
        }
        connection = duckdb.connect(config=config)
        store.reach(connection)
        store.fill(connection)
        return connection

    def _shown_by(self, store: Readable) -> list[str]:
        """Return the statements that make views, as this connection can run them."""
        statements = store.view_statements()
        return store.inside(statements) if self._is_sandbox else statements
