"""What an executor of Spark does: reads sources as `flowdb ingest` does, and puts what came of them.

Every attempt writes under names of its own. What it put is part of nothing until its receipt, the
last thing that it puts, is in a commit.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import texts
from flowdb.datasets import DATASETS
from flowdb.lake import BAD_LINES, STAGED, LakeFile
from flowdb.lake_place import LakePlace
from flowdb.layouts import Layout
from flowdb.meter import Meter
from flowdb.partitions import FolderWriter
from flowdb.readers import SHARED_MEMORY, Jobs, Reader
from flowdb.receipts import Receipt, receipt_name
from flowdb.remote import RemoteObject, Remotes
from flowdb.rows import QUARANTINE, Written
from flowdb.sources import Source
from flowdb.words import spelled

__all__ = ["Work", "packed_task"]

_TABLES = {dataset.kind: dataset.view for dataset in DATASETS} | {QUARANTINE: BAD_LINES}
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
# Of what a folder is named for, which by right is the name of a region or the number of an account.
_LONGEST_VALUE, _LONGEST_NAME = 64, 200


def packed_task(sources: Sequence[Source], first_id: int, hosts: list[str]) -> bytes:
    """Return sources, and the id of the first of them, as a task carries them.

    `hosts` takes the URLs of storages, which a task has the numbers of.
    """
    rows: list[list[object]] = []
    for source in sources:
        row: list[object] = [
            source.path,
            source.size,
            source.modified,
            source.uri,
            source.time.isoformat(),
            source.is_expected,
        ]
        if source.remote is not None:
            host = source.remote.host
            if host not in hosts:
                hosts.append(host)
            row += [hosts.index(host), source.remote.etag]
        rows.append(row)
    return zlib.compress(json.dumps({"first_id": first_id, "sources": rows}).encode(), 1)


@dataclass(frozen=True)
class Work:
    """What all tasks of a run have in common; it is called with the rows of a partition, by `mapInArrow`.

    A row has the number of a task (`task`) and its sources (`work`). What is given back is, for
    each of them, the name of the receipt, or none where nothing was read, and the receipt.
    """

    run: str
    location: str
    destination_storage: Mapping[str, object]
    storage: Mapping[str, object]
    hosts: tuple[str, ...]
    layout: Layout | None
    partition_by: tuple[str, ...]
    commit_id: int

    SCHEMA = "name string, receipt binary"

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Do the tasks of a partition."""
        place = LakePlace(self.location, self.destination_storage)
        for batch in batches:
            for row in batch.to_pylist():
                name, receipt = self.done(place, row["task"], row["work"])
                yield pa.RecordBatch.from_arrays(
                    [texts([name]), pa.array([receipt], pa.binary())], names=["name", "receipt"]
                )

    def done(self, place: LakePlace, task: int, work: bytes) -> tuple[str, bytes]:
        """Do one task."""
        said = json.loads(zlib.decompress(work))
        with (
            closing(Remotes(self.storage)) as remotes,
            TemporaryDirectory(prefix="flowdb-", dir=_scratch()) as folder,
        ):
            sources = [self._source(row, remotes) for row in said["sources"]]
            attempt = _Attempt(self, place, Path(folder))
            receipt = attempt.read(sources, said["first_id"])
            content = receipt.packed()
            name = ""
            if receipt.sources:
                name = receipt_name(self.run, task, uuid4().hex)
                path = Path(folder, "receipt")
                path.write_bytes(content)
                place.put(path, STAGED, name)
        return name, content

    def _source(self, row: list[Any], remotes: Remotes) -> Source:
        path, size, modified, uri, time, is_expected, *remote = row
        one = None
        if remote:
            host, etag = remote
            one = RemoteObject.listed(remotes, self.hosts[host], path, uri, size, etag, modified)
        return Source(path, size, modified, uri, datetime.fromisoformat(time), is_expected, one)


@dataclass
class _Attempt:
    """One attempt at a task: its files lie in a folder of this machine until they are put."""

    work: Work
    place: LakePlace
    root: Path
    partitions: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def read(self, sources: list[Source], first_id: int) -> Receipt:
        """Read sources, put the files that come of them, and say so."""
        work = self.work
        reader = Reader(
            *("0", Jobs(sources, first_id, 1), work.layout, work.commit_id, self._writer),
            *(Meter(), threading.Event()),
        )
        reader.run()
        outcome = reader.outcome
        by_uri = {source.uri: source for source in sources}
        extra: dict[str, set[str]] = {}
        for written in outcome.files:
            if written.row.extra:
                extra.setdefault(_TABLES[written.row.kind], set()).update(written.row.extra.split(","))
        outcome.sources.sort(key=lambda row: row.source_id)
        remotes = [by_uri[row.uri].remote for row in outcome.sources]
        return Receipt(
            layout=None if work.layout is None else str(work.layout),
            partition_by=work.partition_by,
            sources=outcome.sources,
            etags=["" if remote is None else remote.etag for remote in remotes],
            files=[self._put(written) for written in outcome.files],
            extra={table: sorted(names) for table, names in extra.items()},
            failures=outcome.failures,
            ignored=outcome.ignored,
            left_alone=outcome.left_alone,
        )

    def _writer(self, name: str) -> FolderWriter:
        return _Partitioned(self.root, name, self.work, self.partitions)

    def _put(self, written: Written) -> LakeFile:
        row = written.row
        table = _TABLES[row.kind]
        # The first folder is that of the dataset in a store; in a lake its table has a folder.
        folder, _, _ = row.path.rpartition("/")
        inside = folder.partition("/")[2]
        path = f"{inside}/{uuid4()}.parquet".lstrip("/")
        self.place.put(self.root / row.path, table, path)
        partition = self.partitions.get(folder, {})
        return LakeFile(table, path, row.bytes, row.records, partition, row.first_start, row.last_start)


class _Partitioned(FolderWriter):
    """A writer whose folders are those of a table's partitions; `partitions` takes what each stands for."""

    def __init__(
        self, root: Path, name: str, work: Work, partitions: dict[str, dict[str, str | None]]
    ) -> None:
        super().__init__(root, name, work.commit_id, SHARED_MEMORY)
        self._columns = work.partition_by[1:]
        self._partitions = partitions

    def add(self, folder: str, table: pa.Table, size: int | None = None) -> None:
        """Take rows for the folder of a date, and cut them as the table of the lake is."""
        if folder == QUARANTINE:
            super().add(folder, table, size)
            return
        for values, rows in _cut(table, self._columns):
            below = "".join(
                f"/{column}={_NO_VALUE if value is None else quote(value, safe='')}"
                for column, value in values.items()
            )
            self._partitions[folder + below] = {"date": folder.partition("date=")[2], **values}
            super().add(folder + below, rows, size if rows is table else None)


def _cut(table: pa.Table, columns: Sequence[str]) -> Iterator[tuple[dict[str, str | None], pa.Table]]:
    """Yield the rows of each combination of values that there is in these columns."""
    if not columns:
        yield {}, table
        return
    for value, rows in _cut_by(table, columns[0]):
        for values, rest in _cut(rows, columns[1:]):
            yield {columns[0]: value, **values}, rest


def _cut_by(table: pa.Table, column: str) -> Iterator[tuple[str | None, pa.Table]]:
    if column not in table.column_names:
        yield None, table
        return
    found = spelled(table[column])
    values = pc.unique(found).to_pylist()
    for value in values:
        named = _nameable(value)
        if len(values) == 1:
            yield named, table
        else:
            is_it = pc.is_null(found) if value is None else pc.equal(found, texts([value])[0])
            yield named, table.filter(is_it)


def _nameable(value: str | None) -> str | None:
    """Return a value, or as much of it as a folder can have in its name."""
    if not value or value == _NO_VALUE:
        return None
    value = value[:_LONGEST_VALUE]
    while len(quote(value, safe="")) > _LONGEST_NAME:
        value = value[:-1]
    return value


def _scratch() -> str | None:
    """Return a folder that the cluster removes when the executor has ended, if it names one."""
    return os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or None
