"""Prints results. DuckDB writes every value, so that all formats agree cell for cell.

What stands in a log is not to be trusted: no control character reaches a terminal, nothing is
HTML or a link in Markdown, and no text is a formula where a spreadsheet opens CSV or TSV: what
begins like one has an apostrophe before it there.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import duckdb

from flowdb.beside import SUFFIX
from flowdb.errors import QueryError, UsageError
from flowdb.look import Look, console, printable
from flowdb.quoting import quote_name, quote_text
from flowdb.tables import Drawn, drawn
from flowdb.units import is_number

__all__ = ["FORMATS", "drawing", "fetched", "write"]

_COPIED = {
    "csv": "FORMAT csv, HEADER true",
    "tsv": "FORMAT csv, HEADER true, DELIMITER '\t'",
    "json": "FORMAT json, ARRAY true",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
FORMATS = ("table", "markdown", *_COPIED)
_ROWS_IN_TABLE = 1000
_UNKNOWN = sys.maxsize
_CUT = f"the first {_ROWS_IN_TABLE:,} rows; -o csv, json or parquet writes all of them"
_FLOATING = ("FLOAT", "DOUBLE")
# How what spreadsheets take for a formula begins; the last four are what Japanese keyboards write.
_FORMULA = "\\A[\"' \t\r\n]*[-=+@\uff1d\uff0b\uff0d\uff20]|\\A[\t\r\n]"
_MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;"} | {mark: f"\\{mark}" for mark in "\\|[]`"})


def write(
    result: duckdb.DuckDBPyRelation,
    form: str,
    *,
    upright: bool = False,
    sandbox: bool = False,
    look: Look = Look(),  # noqa: B008 -- it cannot be changed
    spare: bool = False,
) -> tuple[int, str | None]:
    """Write a result to standard output in one of `FORMATS`; return its rows and a remark on it, if any.

    A table looks as `look` says, shows the first thousand rows, and does not count the others; `upright`
    shows one row as a column of names and one of values. What comes of a `sandbox`, where nothing
    may be written, is written elsewhere. Columns of the names of ids are left out of tables where
    they can be spared, since no name is known.
    """
    if form == "table":
        count, table = drawing(result, look, upright=upright, spare=spare)
        board = console(sys.stdout, look)
        with board.capture() as captured:
            board.print(table.table)
        # rich would end the process where nobody reads.
        sys.stdout.write(captured.get())
        return count, table.remark
    try:
        if form in _COPIED and sandbox:
            with duckdb.connect() as outside:
                return _copy(_brought(result, outside), form), None
        if form in _COPIED:
            return _copy(result, form), None
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    names, types, rows = fetched(result, spare=spare)
    numeric = [is_number(kind) for kind in types]
    shown: Sequence[Sequence[str | None]] = rows[:_ROWS_IN_TABLE]
    if upright and len(shown) == 1:
        shown = list(zip(names, shown[0], strict=True))
        names, numeric = ["", ""], [False, False]
    _print_markdown(names, numeric, shown)
    return (_UNKNOWN, _CUT) if len(rows) > _ROWS_IN_TABLE else (len(rows), None)


def drawing(
    result: duckdb.DuckDBPyRelation, look: Look, *, upright: bool = False, spare: bool = False
) -> tuple[int, Drawn]:
    """Return how many rows a result has, and the first thousand of them as a table."""
    names, types, rows = fetched(result, spare=spare)
    table = drawn(names, types, rows[:_ROWS_IN_TABLE], look, upright=upright)
    if len(rows) <= _ROWS_IN_TABLE:
        return len(rows), table
    return _UNKNOWN, Drawn(table.table, "; ".join(filter(None, (_CUT, table.remark))))


def fetched(
    result: duckdb.DuckDBPyRelation, most: int = _ROWS_IN_TABLE + 1, *, spare: bool = False
) -> tuple[list[str], list[str], list[tuple[str | None, ...]]]:
    """Return the names and types of a result, and its first rows as texts: one more than a table has."""
    try:
        types = [str(kind) for kind in result.types]
        texts = result.project("COLUMNS(*)::VARCHAR")
        names, rows = texts.columns, texts.limit(most).fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    kept = [
        n
        for n, name in enumerate(names)
        if not spare or not n or name != names[n - 1] + SUFFIX or any(row[n] is not None for row in rows)
    ]
    if len(kept) == len(names):
        return names, types, rows
    return [names[n] for n in kept], [types[n] for n in kept], [tuple(row[n] for n in kept) for row in rows]


def _copy(result: duckdb.DuckDBPyRelation, form: str) -> int:
    """Write a result to standard output as DuckDB writes it, and return how many rows it has."""
    if form == "parquet" and sys.stdout.isatty():
        raise UsageError("parquet is not for a terminal; send it to a file: -o parquet > result.parquet")
    if form in ("json", "jsonl"):
        result = _without_infinities(result)
    elif form in ("csv", "tsv"):
        result = _without_formulas(result)
    with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
        path = Path(folder, "result")
        written = result.query("result", f"COPY (FROM result) TO {quote_text(str(path))} ({_COPIED[form]})")
        sys.stdout.flush()
        if sys.stdout.isatty():
            with open(path, encoding="utf-8", newline="\n") as lines:
                sys.stdout.writelines(printable(line, "\n\t") for line in lines)
        else:
            with open(path, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
    return _UNKNOWN if written is None else int(written.fetchall()[0][0])


def _without_infinities(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return a result in which a number that JSON has no word for is NULL."""
    is_floating = [str(kind) in _FLOATING for kind in result.types]
    if not any(is_floating):
        return result
    cells = [
        f"CASE WHEN isfinite(#{n}) THEN #{n} END" if floating else f"#{n}"
        for n, floating in enumerate(is_floating, 1)
    ]
    return _named(result, cells, result.columns)


def _without_formulas(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return a result with an apostrophe before texts and names that a spreadsheet would compute."""
    names = [f"'{name}" if re.match(_FORMULA, name) else name for name in result.columns]
    is_text = [str(kind) == "VARCHAR" for kind in result.types]
    if not any(is_text) and names == result.columns:
        return result
    pattern = quote_text(_FORMULA)
    cells = [
        f"CASE WHEN regexp_matches(#{n}, {pattern}) THEN concat('''', #{n}) ELSE #{n} END"
        if text
        else f"#{n}"
        for n, text in enumerate(is_text, 1)
    ]
    return _named(result, cells, names)


def _brought(result: duckdb.DuckDBPyRelation, outside: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Return the rows, which are fetched when they are asked for, as a result of another connection."""
    import pyarrow as pa

    names: list[str] = []
    for name in result.columns:
        # Arrow wants names that differ: they are those that DuckDB itself makes when it writes.
        others = (f"{name}_{n}" for n in count(1))
        names.append(name if name not in names else next(one for one in others if one not in names))
    renamed = _named(result, [f"#{n}" for n in range(1, len(names) + 1)], names)
    return outside.from_arrow(pa.RecordBatchReader.from_stream(renamed))


def _named(
    result: duckdb.DuckDBPyRelation, cells: Sequence[str], names: Sequence[str]
) -> duckdb.DuckDBPyRelation:
    """Return cells, made of the columns #1, #2 and so on of a result, under names."""
    return result.project(
        ", ".join(f"{cell} AS {quote_name(name)}" for cell, name in zip(cells, names, strict=True))
    )


def _print_markdown(
    names: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]]
) -> None:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def cell(value: str | None) -> str:
        return "" if value is None else printable(value).translate(_MARKDOWN)

    print(line([cell(name) for name in names]))
    print(line(["---:" if number else "---" for number in numeric]))
    for row in rows:
        print(line([cell(value) for value in row]))
