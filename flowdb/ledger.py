"""The ledgers of a store, as Parquet: its sources, its commits, its files.

A shell, which cannot read the catalogue, sees them as views; should the catalogue be lost,
they are what it is made of again. No commit may copy a ledger of a million rows: each adds a
file of its own rows, and when there are too many files the small ones become one. The list
of files is small and written whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb.disk import sync_file, sync_folders
from flowdb.faults import reached
from flowdb.rows import COMMITS, FILES, SOURCES, Change, CommitRow, FileRow, SourceRow, Written
from flowdb.tiers import small_ones

if TYPE_CHECKING:
    import pyarrow as pa

    from flowdb.catalog import Catalog

__all__ = ["LEDGERS", "LEDGER_FOLDER", "ledger_rows", "ledger_table", "rows_of", "write_ledgers"]

LEDGER_FOLDER = "meta"
_ROWS: dict[str, type[Any]] = {SOURCES: SourceRow, COMMITS: CommitRow, FILES: FileRow}
_TIMES = {"modified": "ns", "delivered": "ms", "first_start": "ms", "last_start": "ms", "committed_at": "ms"}
_SQL_TYPES = {"int": "BIGINT", "bool": "BOOLEAN", "str": "VARCHAR", "float": "DOUBLE"}
_MOST_FILES = 8
_KEYS = {SOURCES: "source_id", COMMITS: "commit_id"}


def _columns(row: type[Any]) -> dict[str, str]:
    return {
        column.name: "TIMESTAMP" if column.name in _TIMES else _SQL_TYPES[str(column.type).partition(" ")[0]]
        for column in fields(row)
    }


LEDGERS: dict[str, dict[str, str]] = {name: _columns(row) for name, row in _ROWS.items()}
"""The ledgers, each a view of this name: their columns with their DuckDB types."""


def write_ledgers(
    root: Path, catalog: Catalog, commit: CommitRow, change: Change, *, is_new: bool = True
) -> Change:
    """Write what a commit, not yet in the catalogue, does to the ledgers; return the change with their files.

    The list of files is written last: where there is one, all that it lists is on the disk.
    A commit that is not new is in the catalogue already.
    """
    live = {row.path: row for row in catalog.files()}
    for row in change.retired:
        del live[row.path]
    live |= {written.row.path: written.row for written in change.files}
    (root / LEDGER_FOLDER).mkdir(exist_ok=True)
    new: list[FileRow] = []
    retired: list[FileRow] = []
    gone = {*change.forgotten, *(row.source_id for row in change.amended)}
    added: dict[str, list[Any]] = {
        SOURCES: [*change.sources, *change.amended],
        COMMITS: [commit] if is_new else [],
    }
    for name, rows in added.items():
        files = [row for row in live.values() if row.kind == name]
        old = _rewritten(root, name, files, gone)
        if not files:
            kept = {SOURCES: catalog.sources, COMMITS: catalog.commits}[name]()
            rows = [*(row for row in kept if getattr(row, _KEYS[name]) not in gone), *rows]
        if rows or old:
            table = _merged(root, name, old, rows, gone if name == SOURCES else ())
            retired += old
            if len(table):
                new.append(_write(root, name, commit.commit_id, table))
    for row in retired:
        del live[row.path]
    last = [row for row in live.values() if row.kind == FILES]
    listed = [row for row in [*live.values(), *new] if row.kind != FILES]
    new.append(_write(root, FILES, commit.commit_id, ledger_table(FILES, listed)))
    return Change(
        sources=change.sources,
        files=[*change.files, *(Written(row, {}) for row in new)],
        retired=[*change.retired, *retired, *last],
        forgotten=change.forgotten,
        amended=change.amended,
    )


def ledger_rows(name: str, path: Path) -> list[Any]:
    """Return the rows of a file of a ledger, as the catalogue has them."""
    return rows_of(name, _read(path))


def rows_of(name: str, table: pa.Table) -> list[Any]:
    """Return the rows of a ledger, as the catalogue has them."""
    columns = []
    for column, kind in LEDGERS[name].items():
        values = table[column]
        if kind == "TIMESTAMP":
            moments = values.cast("timestamp[us]").cast("int64").to_pylist()
            is_nanoseconds = _TIMES[column] == "ns"
            columns.append(
                [
                    value * 1000 if is_nanoseconds else None if value is None else _iso(value)
                    for value in moments
                ]
            )
        else:
            columns.append(values.to_pylist())
    return [_ROWS[name](*row) for row in zip(*columns, strict=True)]


def _read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the columns of a file; what is no Parquet is an error of Arrow's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # `read_table` would load pyarrow.dataset, and with it pandas.
        with pq.ParquetFile(path) as file:
            return file.read(columns)
    except UnicodeError as error:
        raise pa.ArrowInvalid(str(error)) from error


def _iso(microseconds: int) -> str:
    from flowdb.rows import iso_time

    return iso_time(microseconds / 1000)


def _rewritten(root: Path, name: str, files: Sequence[FileRow], gone: set[int]) -> list[FileRow]:
    """Return the files of a ledger that the new one takes in: those with sources that go, small ones."""
    chosen: list[FileRow] = []
    if name == SOURCES and gone:
        chosen = [row for row in files if _has_any(root / row.path, gone)]
    others = [row for row in files if row not in chosen]
    if len(others) >= _MOST_FILES:
        chosen += small_ones(others)
    return chosen


def _has_any(path: Path, source_ids: set[int]) -> bool:
    found = _read(path, ["source_id"])["source_id"].to_pylist()
    return not source_ids.isdisjoint(found)


def _merged(
    root: Path, name: str, files: Sequence[FileRow], rows: Sequence[Any], without: Collection[int]
) -> pa.Table:
    """Return the rows of some files of a ledger, but for some sources, and new rows."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from flowdb.arrays import numbers

    new = ledger_table(name, rows)
    old = [pq.ParquetFile(root / row.path).read().cast(new.schema) for row in files]
    if without:
        gone = numbers(list(without))
        old = [table.filter(pc.invert(pc.is_in(table["source_id"], gone))) for table in old]
    return pa.concat_tables([*old, new]).sort_by(_KEYS[name])


def _write(root: Path, name: str, commit_id: int, table: pa.Table) -> FileRow:
    import pyarrow.parquet as pq

    path = root / LEDGER_FOLDER / f"{commit_id:08}-{name}.parquet"
    pq.write_table(table, path, compression="zstd")
    reached("ledger.written")
    size, digest = sync_file(path)
    sync_folders(root, [path.parent])
    reached("ledger.done")
    return FileRow(
        path=f"{LEDGER_FOLDER}/{path.name}",
        kind=name,
        date="",
        version=0,
        extra="",
        records=len(table),
        bytes=size,
        checksum=digest,
        first_start=None,
        last_start=None,
        is_sorted=False,
        only_action="",
        commit_id=commit_id,
    )


def ledger_table(name: str, rows: Sequence[Any]) -> pa.Table:
    """Return rows of the catalogue as a ledger has them."""
    import pyarrow as pa

    from flowdb.arrays import numbers, texts

    columns: list[pa.Array] = []
    for column, kind in LEDGERS[name].items():
        found = [getattr(row, column) for row in rows]
        # Catalogue times are ISO 8601 text, but for the nanoseconds that a file system gives.
        if kind == "VARCHAR" or _TIMES.get(column) == "ms":
            array = texts(found)
        else:
            array = numbers(found, pa.float64() if kind == "DOUBLE" else pa.int64())
        if kind == "BOOLEAN":
            array = array.cast(pa.bool_())
        if column in _TIMES:
            array = array.cast(pa.timestamp(_TIMES[column])).cast(pa.timestamp("us"), safe=False)
        columns.append(array)
    return pa.table(columns, names=list(LEDGERS[name]))
