"""The ledgers of a store, its sources and commits, as Parquet for a shell that cannot read the catalogue.

No commit may copy a ledger of a million rows. Commit `n` therefore writes the rows of the
newest 1, 2, 4, 8 ... commits, as many as the lowest bit of `n` is worth, into one file: the
ledger at commit `n` has as many files as `n` has bits set, and a row is copied at most once
for each bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.catalog import Catalog, CommitRow, SourceRow
from flowdb.disk import sync_file, sync_folder

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LEDGERS", "LEDGER_FOLDER", "ledger_files", "write_ledgers"]

LEDGER_FOLDER = "meta"
_ROWS: dict[str, type[SourceRow] | type[CommitRow]] = {"sources": SourceRow, "commits": CommitRow}
_TIMES = {"modified": "ns", "first_start": "ms", "last_start": "ms", "committed_at": "ms"}
_SQL_TYPES = {"int": "BIGINT", "str": "VARCHAR", "float": "DOUBLE"}


def _columns(row: type[SourceRow] | type[CommitRow]) -> dict[str, str]:
    return {
        column.name: "TIMESTAMP" if column.name in _TIMES else _SQL_TYPES[str(column.type).partition(" ")[0]]
        for column in fields(row)
    }


LEDGERS: dict[str, dict[str, str]] = {name: _columns(row) for name, row in _ROWS.items()}
"""The ledgers, each a view of this name: their columns with their DuckDB types."""


def ledger_files(name: str, commit_id: int) -> list[str]:
    """Return the files, inside the store, of a ledger at a commit, oldest rows first."""
    return [f"{LEDGER_FOLDER}/{name}-{first}-{last}.parquet" for first, last in _spans(commit_id)]


def write_ledgers(root: Path, catalog: Catalog, commit: CommitRow, sources: Iterable[SourceRow]) -> None:
    """Write what a commit, not yet in the catalogue, adds to the ledgers; no reader knows of it before."""
    import pyarrow.parquet as pq

    first, last = _spans(commit.commit_id)[-1]
    (root / LEDGER_FOLDER).mkdir(exist_ok=True)
    before: dict[str, Callable[[int, int], Iterable[SourceRow] | Iterable[CommitRow]]] = {
        "sources": catalog.sources,
        "commits": catalog.commits,
    }
    new: dict[str, Iterable[SourceRow] | Iterable[CommitRow]] = {"sources": sources, "commits": [commit]}
    for name, row in _ROWS.items():
        rows = [astuple(one) for one in before[name](first, last - 1)] if first < last else []
        rows += map(astuple, new[name])
        path = root / ledger_files(name, last)[-1]
        partial = path.with_suffix(".partial")
        pq.write_table(_table(row, rows), partial, compression="zstd")
        sync_file(partial)
        os.replace(partial, path)
    sync_folder(root / LEDGER_FOLDER)


def _spans(commit_id: int) -> list[tuple[int, int]]:
    """Cut the commits 1 to `commit_id` as its bits are: 6 into (1, 4), (5, 6)."""
    spans = []
    while commit_id:
        before = commit_id & (commit_id - 1)
        spans.append((before + 1, commit_id))
        commit_id = before
    return spans[::-1]


def _table(row: type[SourceRow] | type[CommitRow], rows: list[tuple[object, ...]]) -> pa.Table:
    import pyarrow as pa

    from flowdb.arrays import numbers, texts

    values = list(zip(*rows, strict=True)) or [()] * len(fields(row))
    columns: list[pa.Array] = []
    for (name, kind), column in zip(_columns(row).items(), values, strict=True):
        # Catalogue times are ISO 8601 text, but for the nanoseconds that a file system gives.
        if kind == "VARCHAR" or _TIMES.get(name) == "ms":
            array = texts(column)
        else:
            array = numbers(column, pa.float64() if kind == "DOUBLE" else pa.int64())
        if name in _TIMES:
            array = array.cast(pa.timestamp(_TIMES[name])).cast(pa.timestamp("us"), safe=False)
        columns.append(array)
    return pa.table(columns, names=list(_columns(row)))
