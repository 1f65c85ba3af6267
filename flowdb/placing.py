"""Tells what an error of DuckDB's comes of: the store's files, or a place in a query of Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowdb.errors import QueryError

if TYPE_CHECKING:
    from flowdb.athena_answers import Answer
    from flowdb.connections import Connections
    from flowdb.readable import Readable

__all__ = ["Placing"]


class Placing:
    """What `FlowDB` says of errors of DuckDB's."""

    _connections: Connections
    _answered: tuple[Answer, object] | None

    @property
    def _opened(self) -> Readable:
        raise NotImplementedError

    def placed(self, error: Exception) -> Exception:
        """Return an error of fetching what the last query gave, as that of what it comes of.

        That is a `StoreError` where the store's files could not be read, and a `DialectError` with its
        place for a query of Athena. Any other error is returned as it is.
        """
        import duckdb

        cause = error.__cause__ if isinstance(error, QueryError) else error
        if isinstance(cause, duckdb.Error) and (lost := self._opened.failure(cause)) is not None:
            return lost
        if self._answered is None or not isinstance(error, QueryError | duckdb.Error):
            return error
        told = error if isinstance(error, QueryError) else QueryError(str(error))
        if told is not error:
            told.__cause__ = error
        placed = self._placed(*self._answered, told)
        return error if placed is told else placed

    def _placed(self, answer: Answer, params: object, error: QueryError) -> QueryError:
        """Return an error as one in the query that an answer is of; itself where that does not fail."""
        import duckdb

        from flowdb.athena_places import PADDING

        cause = error.__cause__
        beside = (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException)
        if not isinstance(cause, duckdb.Error) or isinstance(cause, beside):
            return error
        said = self._connections.said_again(PADDING + answer.sql, params)
        return answer.refused(error, said) if said else error
