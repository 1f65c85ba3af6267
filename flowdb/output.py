"""Prints results. DuckDB writes every value, so that all formats agree cell for cell."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from flowdb.errors import QueryError, UsageError
from flowdb.quoting import quote_name, quote_text

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["FORMATS", "printable", "write"]

_COPIED = {
    "csv": "FORMAT csv, HEADER true",
    "tsv": "FORMAT csv, HEADER true, DELIMITER '\t'",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
FORMATS = ("table", "markdown", *_COPIED)
_ROWS_IN_TABLE = 1000
_UNBOUNDED = 1_000_000
_FLOATING = ("FLOAT", "DOUBLE")
_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)\Z")


def write(result: duckdb.DuckDBPyRelation, form: str, *, upright: bool = False) -> str | None:
    """Write a result to standard output in one of `FORMATS`; return a remark on it, if there is one.

    A table shows the first thousand rows; `upright` shows one row as a column of names and
    one of values.
    """
    try:
        if form in _COPIED:
            _copy(result, form)
            return None
        numeric = [_NUMBER.match(str(kind)) is not None for kind in result.types]
        texts = result.project("COLUMNS(*)::VARCHAR")
        names = texts.columns
        rows = texts.limit(_ROWS_IN_TABLE + 1).fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    shown: Sequence[Sequence[str | None]] = rows[:_ROWS_IN_TABLE]
    if upright and len(shown) == 1:
        shown = list(zip(names, shown[0], strict=True))
        names, numeric = ["", ""], [False, False]
    if form == "markdown":
        _print_markdown(names, numeric, shown)
    else:
        _print_table(names, numeric, shown)
    if len(rows) > _ROWS_IN_TABLE:
        return f"the first {_ROWS_IN_TABLE:,} rows; -o csv, json or parquet writes all of them"
    return None


def printable(text: str) -> str:
    """Return a text of one line, in which nothing but printable characters can reach a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _copy(result: duckdb.DuckDBPyRelation, form: str) -> None:
    if form == "parquet" and sys.stdout.isatty():
        raise UsageError("parquet is not for a terminal; send it to a file: -o parquet > result.parquet")
    if form in ("json", "jsonl"):
        result = _without_infinities(result)
    with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
        path = Path(folder, "result")
        result.query("result", f"COPY (FROM result) TO {quote_text(str(path))} ({_COPIED[form]})")
        sys.stdout.flush()
        with open(path, "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _without_infinities(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return a result in which a number that JSON has no word for is NULL."""
    names = [name for name, kind in zip(result.columns, result.types, strict=True) if str(kind) in _FLOATING]
    if not names or len(set(result.columns)) < len(result.columns):
        return result
    finite = (f"CASE WHEN isfinite({name}) THEN {name} END AS {name}" for name in map(quote_name, names))
    return result.project(f"* REPLACE ({', '.join(finite)})")


def _print_markdown(
    names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]]
) -> None:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def cell(value: str | None) -> str:
        return "" if value is None else printable(value).replace("\\", "\\\\").replace("|", "\\|")

    print(line([cell(name) for name in names]))
    print(line(["---:" if number else "---" for number in numeric]))
    for row in rows:
        print(line([cell(value) for value in row]))


def _print_table(names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]]) -> None:
    from rich.console import Console

    table = _table(names, numeric, rows)
    # Whoever reads a pipe or a file wants whole values on one line, however wide they are.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBOUNDED
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def _table(names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_header=any(names), show_edge=False, pad_edge=False, header_style="bold"
    )
    for name, number in zip(names, numeric, strict=True):
        table.add_column(Text(printable(name)), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else printable(value)) for value in row))
    return table
