"""What is known of a query before it is asked: DuckDB computes it, and it is written down as a literal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from flowdb.errors import UsageError, gist
from flowdb.macros import written

if TYPE_CHECKING:
    import duckdb
    from sqlglot.expressions import Expr

__all__ = [
    "described",
    "is_literal",
    "is_null",
    "literal_of",
    "rows_of",
    "span_of",
    "value_of",
    "values_query",
]

_WRITTEN_AS_CASTS = (exp.DType.DATE, exp.DType.DOUBLE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
# Functions that the renderer alone has, until they are written for an engine.
_STAND_INS = (
    "CREATE MACRO flowdb_total(counter) AS total(counter)",
    "CREATE MACRO flowdb_lookup(keys, names, one) AS names[list_position(keys, one)]",
)
_UNITS = (("HOUR", 3_600_000_000), ("MINUTE", 60_000_000), ("SECOND", 1_000_000))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return a store without records, in memory: all views and macros."""
    import duckdb

    from flowdb.generated import statements

    connection = duckdb.connect()
    for statement in [*statements(Path(), []), *_STAND_INS]:
        connection.execute(statement)
    return connection


def _asked(query: str) -> duckdb.DuckDBPyConnection:
    """Ask a query on a connection of its own, so that threads are not in each other's way."""
    import duckdb

    try:
        return _database().cursor().execute(query)
    except duckdb.Error as error:
        raise UsageError(gist(str(error))) from error


def described(query: str) -> list[tuple[str, str]]:
    """Return the names and the DuckDB types of a query's columns."""
    return [(row[0], row[1]) for row in _asked(f"DESCRIBE {query}").fetchall()]


def rows_of(query: str) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
    """Return the columns of a query, as `described` does, and its rows."""
    return described(query), _asked(query).fetchall()


def value_of(node: Expr) -> Expr | None:
    """Return the literal of an expression without columns; None for a value that has no literal.

    Raises `UsageError` for what is no value: an error that a parameter leads to.
    """
    found = _value(written(node))
    return None if found is None else found.copy()


@lru_cache(4096)
def _value(text: str) -> Expr | None:
    row = _asked(f"SELECT value, typeof(value) FROM (SELECT {text} AS value)").fetchone()
    assert row is not None
    if row[1] == "INTERVAL" and row[0] is not None:
        parts = f"SELECT datepart(['year', 'month', 'day', 'hour', 'minute', 'microsecond'], {text}) AS parts"
        found = _asked(parts).fetchone()
        assert found is not None
        return _interval(found[0])
    return literal_of(row[0], row[1])


def literal_of(value: Any, kind: str) -> Expr | None:
    """Return a value of a DuckDB type as a literal, or None where it has none."""
    if value is None:
        return exp.null() if kind.startswith('"NULL"') else exp.cast(exp.null(), kind, dialect="duckdb")
    if kind == "BOOLEAN":
        return exp.Boolean(this=value)
    if isinstance(value, float):
        # A number with a point is a decimal.
        return exp.cast(_number(repr(value)), "DOUBLE")
    if isinstance(value, int | Decimal):
        return _number(str(value))
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(" ")), "TIMESTAMP", dialect="duckdb")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, list):
        return _list(value, kind)
    return None


def _list(values: list[Any], kind: str) -> Expr | None:
    entries = [literal_of(one, kind.removesuffix("[]")) for one in values]
    if None in entries:
        return None
    listed = exp.Array(expressions=entries)
    # An empty one does not tell its type.
    is_told = entries or kind.startswith('"NULL"')
    return listed if is_told else exp.cast(listed, kind, dialect="duckdb")


def _number(text: str) -> Expr:
    number = exp.Literal.number(text.removeprefix("-"))
    return exp.Neg(this=number) if text.startswith("-") else number


def _interval(parts: dict[str, int]) -> exp.Interval:
    """Return an interval in one unit; it has months or what is shorter than those."""
    months = parts["year"] * 12 + parts["month"]
    passed = timedelta(
        days=parts["day"], hours=parts["hour"], minutes=parts["minute"], microseconds=parts["microsecond"]
    )
    count = passed // timedelta(microseconds=1)
    if months:
        return _of_unit(str(months), "MONTH")
    if parts["day"] and count % 86_400_000_000 == 0:
        return _of_unit(str(parts["day"]), "DAY")
    for unit, size in _UNITS:
        if count % size == 0:
            return _of_unit(str(count // size), unit)
    return _of_unit(str(Decimal(count) / 1_000_000), "SECOND")


def _of_unit(count: str, unit: str) -> exp.Interval:
    return exp.Interval(this=exp.Literal.string(count), unit=exp.Var(this=unit))


def span_of(node: exp.Interval) -> tuple[int, int]:
    """Return the months of an interval as `value_of` writes it, and its microseconds without them."""
    count, unit = Decimal(node.this.name), str(node.args["unit"].this).upper().removesuffix("S")
    if unit in ("MONTH", "YEAR"):
        return int(count) * (12 if unit == "YEAR" else 1), 0
    sizes = {**dict(_UNITS), "DAY": 86_400_000_000, "MICROSECOND": 1}
    return 0, int(count * sizes[unit])


def is_literal(node: Expr | None) -> bool:
    """Tell whether an expression is one that `value_of` returns."""
    if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
        return True
    if isinstance(node, exp.Neg | exp.Paren):
        return is_literal(node.this)
    if isinstance(node, exp.Cast):
        is_known = isinstance(node.this, exp.Literal | exp.Neg) and node.to.this in _WRITTEN_AS_CASTS
        return is_known or isinstance(node.this, exp.Null) or node.this == exp.Array(expressions=[])
    if isinstance(node, exp.Interval):
        return isinstance(node.this, exp.Literal)
    if isinstance(node, exp.Array):
        return all(map(is_literal, node.expressions))
    return False


def is_null(node: Expr | None) -> bool:
    """Tell whether an expression is NULL, of whatever type."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return isinstance(node, exp.Null)


def values_query(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]) -> Expr | None:
    """Return a query that gives rows that are known, or None where one of them has no literal."""
    names = [exp.to_identifier(name, quoted=True) for name, _ in columns]
    if not rows:
        nulls = [
            exp.alias_(literal_of(None, kind) or exp.null(), name, quoted=True) for name, kind in columns
        ]
        return exp.Select(expressions=nulls, where=exp.Where(this=exp.false()))
    tuples = []
    for row in rows:
        cells = [literal_of(value, kind) for value, (_, kind) in zip(row, columns, strict=True)]
        if None in cells:
            return None
        tuples.append(exp.Tuple(expressions=cells))
    values = exp.Values(
        expressions=tuples, alias=exp.TableAlias(this=exp.to_identifier("listed"), columns=names)
    )
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=values))
