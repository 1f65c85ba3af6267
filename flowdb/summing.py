"""Writes the hourly sums of a data file while it is being written, as the file's companion."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flowdb import hourly
from flowdb.companions import HOURLY
from flowdb.disk import sync_file
from flowdb.faults import reached
from flowdb.rows import FileRow, Written

__all__ = ["Adding", "Sums"]

# Sums that are held at most before they are written; then several rows of a file may have the same keys.
_MOST_ROWS = 1 << 20
_ROW_GROUP = 2 * 122_880
_PACKED = ("flows", "packets", "bytes", "first_start", "last_start")


class Adding:
    """Sums that come a table at a time, and are added up before they are too many."""

    def __init__(self) -> None:
        self._waiting: list[pa.Table] = []
        self._added_up = 0

    def add(self, sums: pa.Table) -> int:
        """Take sums; return about how many rows there are with all before."""
        self._waiting.append(sums)
        rows = sum(map(len, self._waiting))
        if rows > 2 * self._added_up + _ROW_GROUP:
            rows = len(self.table)
        return rows

    @property
    def table(self) -> pa.Table:
        """All of them, a row for those of the same keys."""
        self._waiting = [hourly.added(self._waiting or [hourly.WRITTEN.empty_table()])]
        self._added_up = len(self._waiting[0])
        return self._waiting[0]


class Sums:
    """The sums of the records of one data file; `path` is that of the companion, inside the store."""

    def __init__(self, root: Path, path: str, commit_id: int) -> None:
        self._root = root
        self._path = path
        self._commit_id = commit_id
        self._adding = Adding()
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0

    def add(self, records: pa.Table) -> None:
        """Add records of the data file."""
        if self._adding.add(hourly.summed(records)) > _MOST_ROWS:
            self._write()

    def finish(self) -> Written:
        """Write what waits, close and sync the file, and return what it is."""
        self._write()
        assert self._writer is not None
        self._writer.add_key_value_metadata({"flowdb.commit": str(self._commit_id)})
        self._writer.close()
        reached("file.written")
        size, digest = sync_file(self._root / self._path)
        reached("file.synced")
        row = FileRow(
            path=self._path,
            kind=HOURLY,
            date=Path(self._path).parent.name.partition("date=")[2],
            version=0,
            extra="",
            records=self._rows,
            bytes=size,
            checksum=digest,
            first_start=None,
            last_start=None,
            is_sorted=False,
            only_action="",
            commit_id=self._commit_id,
        )
        return Written(row, {})

    def discard(self) -> None:
        """Remove what was written."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            (self._root / self._path).unlink(missing_ok=True)

    def _write(self) -> None:
        if self._writer is None:
            self._open()
        assert self._writer is not None
        table = self._adding.table
        self._writer.write_table(hourly.in_order(table), row_group_size=_ROW_GROUP)
        self._rows += len(table)
        self._adding = Adding()

    def _open(self) -> None:
        path = self._root / self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(
            path,
            hourly.WRITTEN,
            compression="zstd",
            column_encoding={name: "DELTA_BINARY_PACKED" for name in _PACKED},
            use_dictionary=[name for name in hourly.SCHEMA.names if name not in _PACKED],
            write_statistics=["hour", "interface_id", "srcaddr", "action"],
            store_schema=False,
        )
        reached("file.open")
