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
from flowdb.words import with_one_dictionary_each

__all__ = ["MOST_WAITING", "Sums"]

MOST_WAITING = 1 << 17
"""Sums that a writer holds at most before some are written.

Of one file several may then have the same keys: the records of an hour lie near each other, or
else those of an interface do, so they are few.
"""
_WRITE_BATCH = 1 << 16  # values; by fewer at once it takes longer
_PLAIN = ("packets", "bytes")  # few are the same
_STATISTICS = ("hour", "interface_id", "srcaddr", "action")


class Sums:
    """The sums of the records of one data file; `path` is that of the companion, inside the store."""

    def __init__(self, root: Path, path: str, commit_id: int) -> None:
        self._root = root
        self._path = path
        self._commit_id = commit_id
        self._sums = hourly.Sums()
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0

    def add(self, records: pa.Table) -> None:
        """Add records of the data file."""
        self._sums.add(records)
        if self.waiting > MOST_WAITING:
            self.write()

    @property
    def waiting(self) -> int:
        """How many sums wait to be written."""
        return len(self._sums)

    def finish(self) -> Written:
        """Write what waits, close and sync the file, and return what it is."""
        if self.waiting or self._writer is None:
            self.write()
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

    def write(self) -> None:
        """Write what waits."""
        table = self._sums.take()
        if self._writer is None:
            self._writer = self._opened(table.schema)
        for part in hourly.by_action(table):
            self._writer.write_table(with_one_dictionary_each(part), row_group_size=max(len(part), 1))
        self._rows += len(table)

    def _opened(self, schema: pa.Schema) -> pq.ParquetWriter:
        path = self._root / self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=[name for name in schema.names if name not in _PLAIN],
            write_statistics=[*_STATISTICS],
            write_batch_size=_WRITE_BATCH,
            store_schema=False,
        )
        reached("file.open")
        return writer
