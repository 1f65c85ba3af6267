"""What is to be said of an answer beside its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["Noting"]


class Noting:
    """What `FlowDB` tells of its last answer."""

    _notes: list[str]
    _beyond: tuple[duckdb.DuckDBPyConnection, str] | None

    @property
    def notes(self) -> list[str]:
        """What else is to be said of the last question: a query of Logs Insights, or a cost.

        Whether an answer is cut is looked up when this is read, which can take as long as the query.
        """
        if self._beyond is not None:
            from flowdb.insights_query import CUT, has_rows

            self._notes += [CUT] if has_rows(*self._beyond) else []
            self._beyond = None
        return self._notes

    def settle(self, rows: int) -> None:
        """Take it as known how many rows the last query has, so that `notes` need not look."""
        if self._beyond is not None:
            from flowdb.insights_sql import DEFAULT_ROWS

            self._beyond = self._beyond if rows >= DEFAULT_ROWS else None
