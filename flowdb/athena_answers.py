"""What statements of Athena give: a query in DuckDB's SQL, or rows that are known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flowdb.athena import Statement
from flowdb.athena_places import place_of
from flowdb.errors import DialectError, QueryError
from flowdb.quoting import quote_name, quote_text

if TYPE_CHECKING:
    import duckdb

__all__ = ["Answer", "rows", "said", "shown_times"]

# What DuckDB says then is of its own SQL and settings.
_ADVICE = (". Use TRY(", " Candidate functions:", " You might need to add explicit type casts")


class Answer:
    """What one statement gives: a query in DuckDB's SQL, and the kinds of its columns by their names."""

    def __init__(self, statement: Statement, sql: str, kinds: Mapping[str, str] | None = None) -> None:
        self.statement = statement
        self.sql = sql
        self.kinds = kinds or {}

    def refused(self, error: QueryError, said: str) -> DialectError:
        """Return the error for what DuckDB refused, at the place that is told by what it `said`."""
        offset = place_of(self.statement, self.sql, said)
        reason = str(error)
        for advice in _ADVICE:
            reason = reason.partition(advice)[0]
        return self.statement.error(reason, offset, self.sql)


def shown_times(result: duckdb.DuckDBPyRelation, kinds: Mapping[str, str]) -> duckdb.DuckDBPyRelation:
    """Return a result with its times as Athena shows them: to the millisecond, some with their zone."""
    if "TIMESTAMP" not in map(str, result.types):
        return result
    cells = []
    for place, (name, kind) in enumerate(zip(result.columns, result.types, strict=True)):
        zone = " UTC" if kinds.get(name.lower()) == "zoned" else ""
        form = quote_text(f"%Y-%m-%d %H:%M:%S.%g{zone}")
        cell = f"strftime(#{place + 1}, {form})" if str(kind) == "TIMESTAMP" else f"#{place + 1}"
        cells.append(f"{cell} AS {quote_name(name)}")
    return result.project(", ".join(cells))


def said(sentence: str) -> str:
    """Return the query that gives a sentence."""
    return rows(("result",), [(sentence,)])


def rows(names: Sequence[str], values: Sequence[tuple[str, ...]]) -> str:
    """Return the query that gives these texts."""
    columns = ", ".join(map(quote_name, names))
    if not values:
        return f"SELECT {', '.join(f'NULL::VARCHAR AS {quote_name(name)}' for name in names)} WHERE false"
    cells = ", ".join(f"({', '.join(map(quote_text, row))})" for row in values)
    return f"SELECT * FROM (VALUES {cells}) AS found ({columns})"
