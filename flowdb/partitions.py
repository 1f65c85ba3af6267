"""Records written as Parquet into the folders of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flowdb.companions import companion_of
from flowdb.contents import bounds, shares
from flowdb.datasets import FLOWS, schema_version
from flowdb.disk import sync_beginning, sync_file, sync_folders
from flowdb.encoding import encoding
from flowdb.faults import reached
from flowdb.rows import QUARANTINE, FileRow, Written, iso_time
from flowdb.summing import MOST_WAITING, Sums
from flowdb.words import CODES, is_coded, size_of, spelled, with_one_dictionary_each

__all__ = ["QUARANTINE_SCHEMA", "ROW_GROUP", "FolderWriter"]

QUARANTINE_SCHEMA = pa.schema(
    [
        ("source_id", pa.int64()),
        ("source", pa.string()),
        ("line_number", pa.int64()),
        ("reason", pa.string()),
        ("line", pa.string()),
    ]
)
ROW_GROUP = 2 * 122_880
"""How many records a row group has at most; twice what DuckDB hands to one thread."""
_ROWS_IN_FILE = 64 * ROW_GROUP
_MOST_OPEN = 32  # an open one and its sums keep 1.6 MB
# A file with so many rows is closed once others were written to so many times since: what open ones keep in
# memory adds up, while logs go from date to date.
_ENOUGH, _PASSED_OVER = 2 * ROW_GROUP, 8
_MOST_WAITING = 256  # tables; a small one takes far more memory than its values
_NULLS = 1 << 16


@dataclass(slots=True)
class _Part:
    """One Parquet file of a folder, open or still to be opened, and the rows that wait for it.

    It `has_gaps` once there was a NULL in a column that had none at first. `flushed` tells when it was
    written to last, by the number of times that any part was.
    """

    folder: str
    kind: str
    version: int
    extra: tuple[str, ...]
    schema: pa.Schema
    has_gaps: bool = False
    waiting: list[pa.Table] = field(default_factory=list)
    waiting_rows: int = 0
    waiting_bytes: int = 0
    path: Path | None = None
    writer: pq.ParquetWriter | None = None
    sums: Sums | None = None
    syncing: Future[None] | None = None
    rows: int = 0
    flushed: int = 0
    shares: Counter[int] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None


class FolderWriter:
    """Writes tables into folders of a store, each folder into as few files as its rows ask for.

    What waits to be written is held to `memory` bytes, whatever the number of folders. Not
    for more than one thread. `name` begins the names of its files, which no one else may use.
    Rows that come sorted have more statistics; `only_action` is the action that alone they have,
    `replaces` the paths of the files that they were in before. Files of flows that `are_summed` get
    companions.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        commit_id: int,
        memory: int,
        is_sorted: bool = False,
        only_action: str = "",
        are_summed: bool = False,
    ) -> None:
        self._root = root
        self._name = name
        self._commit_id = commit_id
        self._memory = memory
        self._is_sorted = is_sorted
        self._only_action = only_action
        self._are_summed = are_summed
        self.replaces: list[str] = []
        self._parts: dict[tuple[str, int, tuple[str, ...]], _Part] = {}
        self._waiting = 0
        self._files: list[Written] = []
        self._count = self._flushes = 0
        self._syncing = ThreadPoolExecutor(max_workers=1)

    def add(self, folder: str, table: pa.Table, size: int | None = None) -> None:
        """Take rows for a folder, of any layout; what belongs in one file is found by their columns.

        `size` is what `size_of` says of them, where that is known.
        """
        part = self._part(folder, tuple(table.column_names))
        size = size_of(table) if size is None else size
        part.waiting.append(table)
        part.waiting_rows += len(table)
        part.waiting_bytes += size
        self._waiting += size
        if part.waiting_rows >= ROW_GROUP:
            self._flush(part)
            self._begin_to_sync(part)
        elif len(part.waiting) > _MOST_WAITING:
            part.waiting = [
                pa.concat_tables(run).combine_chunks()
                for _, run in groupby(part.waiting, key=lambda table: table.schema)
            ]
        while self._waiting > self._memory:
            self._flush(max(self._parts.values(), key=lambda part: part.waiting_bytes))

    def end_row_groups(self) -> None:
        """Write what waits, however little: what comes next is in other row groups."""
        for part in self._parts.values():
            if part.waiting:
                self._flush(part)
                self._begin_to_sync(part)

    def finish(self) -> list[Written]:
        """Write what waits, close and sync every file, and return what they are."""
        for part in self._parts.values():
            if part.waiting:
                self._flush(part)
            self._close(part)
        self._syncing.shutdown()
        sync_folders(self._root, {(self._root / file.row.path).parent for file in self._files})
        reached("files.done")
        files, self._files, self._parts = self._files, [], {}
        return files

    def discard(self) -> None:
        """Remove everything that was written."""
        self._syncing.shutdown()
        for part in self._parts.values():
            if part.writer is not None and part.path is not None:
                with suppress(OSError):
                    part.writer.close()
                part.path.unlink(missing_ok=True)
            if part.sums is not None:
                part.sums.discard()
        for file in self._files:
            (self._root / file.row.path).unlink(missing_ok=True)
        self._files, self._parts, self._waiting = [], {}, 0

    def _part(self, folder: str, columns: tuple[str, ...]) -> _Part:
        """Return the part of a folder that takes rows with these columns."""
        dataset, version, extra = (None, 0, ()) if folder == QUARANTINE else schema_version(columns)
        part = self._parts.get((folder, version, extra))
        if part is None:
            kind = dataset.kind if dataset else QUARANTINE
            schema = dataset.schema(version, extra) if dataset else QUARANTINE_SCHEMA
            # What is sorted had better stay one file, and where its NULLs lie nobody knows beforehand.
            part = _Part(folder, kind, version, extra, schema, has_gaps=self._is_sorted)
            self._parts[folder, version, extra] = part
        return part

    def _flush(self, part: _Part) -> None:
        if part.writer is not None and _has_gaps(part, part.writer.schema):
            part.has_gaps = True
            self._close(part)
        if part.writer is None:
            self._open(part)
        assert part.writer is not None
        table = pa.concat_tables([_conformed(table, part.writer.schema) for table in part.waiting])
        if part.sums is not None:
            part.sums.add(table)
            self._hold_few_sums()
        table = with_one_dictionary_each(table)
        part.writer.write_table(table, row_group_size=len(table))
        part.rows += len(table)
        self._flushes += 1
        part.flushed = self._flushes
        self._count_in(part, table)
        self._waiting -= part.waiting_bytes
        part.waiting, part.waiting_rows, part.waiting_bytes = [], 0, 0
        if part.rows >= _ROWS_IN_FILE:
            self._close(part)

    def _begin_to_sync(self, part: _Part) -> None:
        """Have a file go to the disk while more rows are found for it."""
        if part.path is None or (part.syncing is not None and not part.syncing.done()):
            return
        if part.syncing is not None:
            part.syncing.result()
        part.syncing = self._syncing.submit(sync_beginning, part.path)

    def _hold_few_sums(self) -> None:
        """Write sums of some dates, if all dates together hold too many."""
        held = [part.sums for part in self._parts.values() if part.sums is not None]
        while sum(sums.waiting for sums in held) > MOST_WAITING:
            max(held, key=lambda sums: sums.waiting).write()

    def _count_in(self, part: _Part, table: pa.Table) -> None:
        """Keep count of what a part has of each source, and from when it is."""
        part.shares.update(shares(table))
        first, last = bounds(table)
        if first is not None and last is not None:
            part.first = first if part.first is None else min(part.first, first)
            part.last = last if part.last is None else max(part.last, last)

    def _open(self, part: _Part) -> None:
        self._close_some()
        self._count += 1
        folder = self._root / part.folder
        folder.mkdir(parents=True, exist_ok=True)
        part.path = folder / f"{self._name}-{self._count:05}.parquet"
        schema = _schema_of_file(part)
        part.writer = pq.ParquetWriter(part.path, schema, **encoding(schema.names, self._is_sorted))
        if self._are_summed and part.kind == FLOWS.kind:
            path = companion_of(f"{part.folder}/{part.path.name}", self._commit_id)
            part.sums = Sums(self._root, path, self._commit_id)
        reached("file.open")

    def _close_some(self) -> None:
        """Close files that logs have gone on from, and the largest one if there are too many."""
        for part in self._parts.values():
            if part.rows >= _ENOUGH and self._flushes - part.flushed >= _PASSED_OVER:
                if part.waiting:
                    self._flush(part)
                self._close(part)
        opened = [part for part in self._parts.values() if part.writer is not None]
        if len(opened) >= _MOST_OPEN:
            self._close(max(opened, key=lambda part: part.rows))

    def _close(self, part: _Part) -> None:
        if part.writer is None or part.path is None:
            return
        part.writer.add_key_value_metadata(self._said_of_files)
        part.writer.close()
        reached("file.written")
        if part.syncing is not None:  # which alone is told where the disk fails it
            part.syncing.result()
        size, digest = sync_file(part.path)
        reached("file.synced")
        row = FileRow(
            path=f"{part.folder}/{part.path.name}",
            kind=part.kind,
            date=part.folder.partition("date=")[2],
            version=part.version,
            extra=",".join(part.extra),
            records=part.rows,
            bytes=size,
            checksum=digest,
            first_start=None if part.first is None else iso_time(part.first),
            last_start=None if part.last is None else iso_time(part.last),
            is_sorted=self._is_sorted,
            only_action=self._only_action,
            commit_id=self._commit_id,
        )
        self._files.append(Written(row, dict(part.shares)))
        if part.sums is not None:
            self._files.append(part.sums.finish())
        part.writer, part.path, part.sums, part.syncing, part.rows = None, None, None, None, 0
        part.shares, part.first, part.last = Counter(), None, None

    @property
    def _said_of_files(self) -> dict[str, str]:
        """What a file says of itself, should the catalogue be lost."""
        return {
            "flowdb.commit": str(self._commit_id),
            "flowdb.sorted": str(int(self._is_sorted)),
            "flowdb.only": self._only_action,
            "flowdb.replaces": "\n".join(self.replaces),
        }


def _schema_of_file(part: _Part) -> pa.Schema:
    """Return the schema of a part, where columns are codes that are so in most of the rows that wait.

    A column without a NULL is said to have none, as long as that is so: it is written and read faster.
    """
    rows: Counter[str] = Counter()
    for table in part.waiting:
        for name, column in zip(table.column_names, table.columns, strict=True):
            rows[name] += len(table) if is_coded(column) else -len(table)
    return pa.schema(
        [
            pa.field(
                one.name,
                CODES if rows[one.name] > 0 else one.type,
                nullable=part.has_gaps or _has_null(part.waiting, one.name),
            )
            for one in part.schema
        ]
    )


def _has_gaps(part: _Part, schema: pa.Schema) -> bool:
    """Tell whether a NULL waits for a column of a file that is said to have none."""
    return any(_has_null(part.waiting, one.name) for one in schema if not one.nullable)


def _has_null(tables: Sequence[pa.Table], name: str) -> bool:
    return any(name not in table.column_names or table[name].null_count for table in tables)


def _conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with the columns of the schema; those that it lacks are all NULL."""
    present = set(table.column_names)
    columns = [
        _as(table[one.name], one.type) if one.name in present else _all_null(one.type, len(table))
        for one in schema
    ]
    return pa.table(columns, schema=schema)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column of texts as strings or codes, as its type is to be; any other as it is."""
    if kind == CODES:
        return column if is_coded(column) else column.dictionary_encode()
    return spelled(column)


def _all_null(kind: pa.DataType, rows: int) -> pa.ChunkedArray:
    nulls = _nulls(kind)
    whole, rest = divmod(rows, _NULLS)
    return pa.chunked_array([nulls] * whole + [nulls.slice(0, rest)], kind)


@cache
def _nulls(kind: pa.DataType) -> pa.Array:
    return pa.nulls(_NULLS, kind)
