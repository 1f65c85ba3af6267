"""The columns of a query, and those that a star or `COLUMNS(...)` in it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.constants import rows_of
from flowdb.macros import written
from flowdb.replacements import is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["Column", "Source", "cells_of", "chosen", "parts_of", "star_of", "starred"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a query: its name, and those of its parts: itself, or the cells of a row."""

    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What a query reads: its name there, and its columns."""

    name: str
    columns: tuple[Column, ...]


def star_of(item: Expr) -> exp.Star | None:
    """Return the star that a result is, alone or of one table."""
    if isinstance(item, exp.Star):
        return item
    return item.this if isinstance(item, exp.Column) and isinstance(item.this, exp.Star) else None


def starred(item: Expr, sources: list[Source]) -> list[tuple[Source, Column]]:
    """Return the columns that a star stands for."""
    star = star_of(item)
    assert star is not None
    left_out = {one.name.lower() for one in star.args.get("except_") or []}
    table = item.table if isinstance(item, exp.Column) else ""
    return [
        (source, column)
        for source in sources
        for column in source.columns
        if table in ("", source.name) and column.name.lower() not in left_out
    ]


def chosen(given: Expr, sources: list[Source]) -> list[tuple[Source, Column]]:
    """Return the columns that COLUMNS stands for: those of a star, or those whose names a condition takes."""
    if star_of(given) is not None:
        return starred(given, sources)
    every = [(source, column) for source in sources for column in source.columns]
    names = exp.Array(expressions=[exp.Literal.string(column.name) for _, column in every])
    tested = exp.Anonymous(this="list_transform", expressions=[names, given.copy()])
    (row,) = rows_of(f"SELECT {written(tested)}")[1]
    return [one for one, is_taken in zip(every, row[0], strict=True) if is_taken]


def parts_of(source: Source, column: Column, sources: list[Source]) -> list[Expr]:
    """Return the parts of a column, with the table's name where another table has one of the name."""
    return [_column(part, source, sources) for part in column.parts]


def _column(name: str, source: Source, sources: list[Source]) -> exp.Column:
    holders = [one for one in sources if any(name in column.parts for column in one.columns)]
    return exp.column(name, source.name if len(holders) > 1 else None)


def cells_of(row: Expr, sources: list[Source]) -> Iterator[Expr]:
    """Yield the cells of a row."""
    for one in row.expressions:
        if is_call(one, "columns"):
            for source, column in chosen(one.expressions[0], sources):
                yield from parts_of(source, column, sources)
        else:
            yield one.copy()
