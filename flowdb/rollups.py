"""Makes hourly sums of data files that are there already, and checks those that are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.companions import KEYS, companion_of
from flowdb.datasets import FLOWS
from flowdb.disk import sync_folders
from flowdb.rewriting import read_tables
from flowdb.rows import FileRow, Written

if TYPE_CHECKING:
    import pyarrow as pa

    from flowdb.store import Writer

__all__ = ["has_its_sums", "sums_of"]

_READ = (*KEYS, "start_time", "packets", "bytes", "log_status")
_TEXTS = [name for name in KEYS if FLOWS.sql_columns[name] == "VARCHAR"]


def sums_of(writer: Writer, rows: Iterable[FileRow]) -> list[Written]:
    """Write the companions of data files of flows."""
    from flowdb.summing import Sums

    files: list[Written] = []
    root = writer.store.root
    for row in rows:
        sums = Sums(root, companion_of(row.path, writer.commit_id), writer.commit_id)
        try:
            for records in _records(root, row):
                sums.add(records)
            files.append(sums.finish())
        except BaseException:
            sums.discard()
            raise
    sync_folders(root, {(root / file.row.path).parent for file in files})
    return files


def has_its_sums(root: Path, data: FileRow, companion: FileRow) -> bool:
    """Tell whether a companion has the sums of its data file, and no others."""
    from flowdb import hourly

    expected, found = hourly.Sums(), hourly.Sums()
    for records in _records(root, data):
        expected.add(records)
    for sums in read_tables(root, [companion], dictionaries=_TEXTS):
        found.add_file(sums)
    return bool(hourly.spelled(expected.take()).equals(hourly.spelled(found.take())))


def _records(root: Path, row: FileRow) -> Iterator[pa.Table]:
    there = FLOWS.schema(row.version).names
    return read_tables(root, [row], _READ, [name for name in _TEXTS if name in there])
