"""Results as texts: what DuckDB writes for each value, and nothing for NULL."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import duckdb

Cells = list[list[str]]


def cells(result: duckdb.DuckDBPyRelation) -> Cells:
    """Return the names of the columns, and each row."""
    texts = result.project(", ".join(f'"{name}"::VARCHAR' for name in result.columns))
    rows = [["" if value is None else value for value in row] for row in texts.fetchall()]
    return [list(result.columns), *rows]


def csv_cells(lines: Iterable[str]) -> Cells:
    """Return the same of a CSV."""
    return list(csv.reader(lines))


def csv_file_cells(path: Path) -> Cells:
    """Return the same of a CSV file."""
    return csv_cells(path.read_text(encoding="utf-8").splitlines())
