"""Queries of CloudWatch Logs Insights on a store: what their translation has to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowdb.datasets import FLOWS
from flowdb.insights_sql import DEFAULT_ROWS, Translation, translate

if TYPE_CHECKING:
    import duckdb

__all__ = ["CUT", "has_rows", "translated"]

CUT = (
    f"these are {DEFAULT_ROWS:,} rows of more, as Logs Insights gives them without a limit;"
    " --no-limit, in Python limit=False, gives all"
)
"""What is to be said of an answer that the limit of Logs Insights cut."""


def translated(connection: duckdb.DuckDBPyConnection, query: str, *, limit: bool = True) -> Translation:
    """Return a query of Logs Insights as DuckDB's SQL over the views of a connection."""
    layouts = connection.execute("SELECT DISTINCT layout FROM sources ORDER BY 1").fetchall()
    columns = connection.execute("SELECT * FROM flows LIMIT 0").description
    known = FLOWS.sql_columns
    extra = [column[0] for column in columns if column[0] not in known]
    return translate(query, layouts=[row[0] for row in layouts], extra=extra, limit=limit)


def has_rows(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Tell whether a query has a row; one that fails has none, and says so when its rows are wanted."""
    import duckdb

    try:
        return bool(connection.execute(query).fetchall())
    except duckdb.Error:
        return False
