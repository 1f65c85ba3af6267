"""What the driver of an ingest on Spark does: plans, has the cluster read, and makes the one commit."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from flowdb.catalog import Known
from flowdb.datasets import DATASETS
from flowdb.errors import ClusterError, plural
from flowdb.faults import reached
from flowdb.ingest import IngestReport, reported
from flowdb.keys import Choice
from flowdb.lake import PARTITIONS, Lake, create_lake, find_lake
from flowdb.layouts import Layout
from flowdb.plan import Plan
from flowdb.readers import Outcome, joined
from flowdb.receipts import Receipt, Staged, is_stale, usable
from flowdb.rows import SOURCES
from flowdb.sources import Source, find

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Wanted", "ingest"]

# What a task reads, as delivered: more gives larger files, less spreads better. An object counts as so many
# bytes more as it takes time to be asked for.
_TASK_BYTES = 256 << 20
_LEAST_TASK_BYTES = 1 << 20
_BYTES_OF_ASKING = 64 << 10
# So many tasks for each core, where there are not enough bytes for more.
_TASKS_OF_A_CORE = 4


@dataclass(frozen=True)
class Wanted:
    """How sources are to be taken, and how the lake is to be."""

    layout: Layout | None = None
    choice: Choice = Choice()  # noqa: RUF009 -- it cannot be changed
    storage: Mapping[str, object] = field(default_factory=dict)
    destination_storage: Mapping[str, object] = field(default_factory=dict)
    partition_by: tuple[str, ...] | None = None
    task_bytes: int = _TASK_BYTES


def ingest(
    spark: SparkSession,
    places: Iterable[str | os.PathLike[str]],
    location: str | os.PathLike[str],
    wanted: Wanted,
) -> IngestReport:
    """Bring the flow logs at these places into the lake at a location, and say what happened."""
    started = time.perf_counter()
    lake = find_lake(location, wanted.destination_storage)
    with closing(find(places, wanted.choice, wanted.storage)) as found:
        if lake is None or wanted.partition_by is not None:
            columns = wanted.partition_by or PARTITIONS[:1]
            lake = create_lake(location, wanted.destination_storage, columns)
        ledger = _Ledger(lake, found.sources)
        plan = Plan(found.sources, ledger, remedy="")
        run = _Run(lake, ledger, wanted, plan.new)
        outcome = run.read(spark)
        report = reported(found, plan, outcome)
        report.notes += run.notes
        if outcome.sources:
            reached("spark.read")
            report.commit = run.commit(outcome)
            report.parquet_bytes = run.parquet_bytes
        run.sweep()
    report.seconds = round(time.perf_counter() - started, 3)
    return report


class _Ledger:
    """The sources that a lake has, as `Plan` asks for them: those with the URI or the name of one found."""

    def __init__(self, lake: Lake, found: Sequence[Source]) -> None:
        import pyarrow.compute as pc

        from flowdb.arrays import texts

        rows = lake.read(
            SOURCES, ["source_id", "commit_id", "uri", "name", "size", "modified", "fingerprint"]
        )
        self._ids = rows["source_id"]
        self.last_source: int = pc.max(self._ids).as_py() or 0
        self.last_commit: int = pc.max(rows["commit_id"]).as_py() or 0
        names = pc.is_in(rows["name"], texts(sorted({source.name for source in found})))
        times = {source.uri: source.modified for source in found}
        uris = pc.is_in(rows["uri"], texts(list(times)))
        rows = rows.filter(pc.or_(names, uris))
        self._known: dict[str, Known] = {}
        self._named: dict[tuple[str, int], list[tuple[str, str]]] = {}
        moments = rows["modified"].cast("int64").to_pylist()
        for row, moment in zip(rows.drop_columns("modified").to_pylist(), moments, strict=True):
            uri, size, fingerprint = row["uri"], row["size"], row["fingerprint"]
            # A lake has times in microseconds, which is all that two times of a source may differ in.
            time = times.get(uri, 0)
            modified = time if time // 1000 == moment else moment * 1000
            self._known[uri] = Known(row["source_id"], size, modified, fingerprint)
            self._named.setdefault((row["name"], size), []).append((uri, fingerprint))

    def known(self, uris: Iterable[str]) -> dict[str, Known]:
        return {uri: self._known[uri] for uri in uris if uri in self._known}

    def same_objects(self, name: str, size: int) -> list[tuple[str, str]]:
        return self._named.get((name, size), [])

    def touch(self, times: Iterable[tuple[str, int]]) -> None:
        """Leave the ledger as it is: the content of such a source is compared again next time."""

    def has_any(self, source_ids: Sequence[int]) -> bool:
        """Tell whether one of these ids is that of a source."""
        import pyarrow.compute as pc

        from flowdb.arrays import numbers

        return bool(pc.any(pc.is_in(numbers(source_ids), self._ids.combine_chunks())).as_py())


class _Run:
    """One run: the tasks, the receipts of runs that died whose tasks need not be done again, the commit."""

    def __init__(self, lake: Lake, ledger: _Ledger, wanted: Wanted, new: Sequence[Source]) -> None:
        self.notes: list[str] = []
        self.parquet_bytes = 0
        self._id = uuid4().hex[:12]
        self._lake = lake
        self._wanted = wanted
        self._layout = None if wanted.layout is None else str(wanted.layout)
        self._commit_id = ledger.last_commit + 1
        self._staged = Staged(lake.place)
        self._receipts: list[Receipt] = []
        self._done_with: list[str] = []
        self._last_id = ledger.last_source
        self._first_id = ledger.last_source + 1
        self._left = {source.uri: source for source in new}
        self._first_id = max([self._first_id, *(last + 1 for last in self._staged.reserved().values())])
        for name, receipt in self._staged.read().items():
            self._consider(name, receipt, ledger)

    def read(self, spark: SparkSession) -> Outcome:
        """Have the cluster read what is left to read, and return what came of all sources."""
        if self._receipts:
            sources = plural(sum(len(receipt.sources) for receipt in self._receipts), "source")
            self.notes.append(f"{sources} were read by a run that did not end, and are taken from there")
        if self._left:
            self._receipts += self._read_on(spark)
        return joined(
            Outcome(one.sources, [], one.failures, one.ignored, one.left_alone) for one in self._receipts
        )

    def commit(self, outcome: Outcome) -> int:
        """Make all of it part of the lake, and return the number of the commit."""
        rows = [replace(row, commit_id=self._commit_id) for row in outcome.sources]
        files = [file for receipt in self._receipts for file in receipt.files]
        views = [dataset.view for dataset in DATASETS]
        extra = {
            view: {name for receipt in self._receipts for name in receipt.extra.get(view, ())}
            for view in views
        }
        self._lake.commit(rows, files, extra)
        self._last_id = max([self._last_id, *(row.source_id for row in rows)])
        self.parquet_bytes = sum(file.bytes for file in files if file.table in views)
        return self._commit_id

    def sweep(self) -> None:
        """Remove the receipts that are of no use to any run."""
        passed = [name for name, last in self._staged.reserved().items() if last <= self._last_id]
        self._staged.remove({*self._done_with, *self._staged.of_run(self._id), *passed})

    def _consider(self, name: str, receipt: Receipt | None, ledger: _Ledger) -> None:
        """Take a receipt over if all that it says still holds; otherwise leave it, if another run might."""
        ids = [] if receipt is None else [row.source_id for row in receipt.sources]
        uris = [] if receipt is None else [row.uri for row in receipt.sources]
        if receipt is None or is_stale(receipt) or ledger.has_any(ids) or ledger.known(uris):
            self._done_with.append(name)
            return
        self._first_id = max(self._first_id, max(ids) + 1)
        taken = {row.source_id for other in self._receipts for row in other.sources}
        if (
            taken.isdisjoint(ids)
            and usable(receipt, self._left, self._layout, self._lake.partition_by)
            and self._staged.has_files(receipt)
        ):
            for row in receipt.sources:
                del self._left[row.uri]
            # What could not be read is tried again.
            self._receipts.append(replace(receipt, failures=[], ignored=[], left_alone=[]))
            self._done_with.append(name)

    def _read_on(self, spark: SparkSession) -> list[Receipt]:
        """Have the cluster do the tasks, each in a partition of its own."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        from flowdb.spark_tasks import Work, packed_task

        hosts: list[str] = []
        rows: list[tuple[int, bytearray]] = []
        self._staged.reserve(self._id, self._first_id, self._first_id + len(self._left) - 1)
        for number, sources in enumerate(self._tasks(spark)):
            rows.append((number, bytearray(packed_task(sources, self._first_id, hosts))))
            self._first_id += len(sources)
        work = Work(
            run=self._id,
            location=self._lake.place.location,
            destination_storage=self._wanted.destination_storage,
            storage=self._wanted.storage,
            hosts=tuple(hosts),
            layout=self._wanted.layout,
            partition_by=self._lake.partition_by,
            commit_id=self._commit_id,
        )
        with warnings.catch_warnings():
            # It is told to whoever uses pandas, which nothing here does.
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            try:
                tasks = spark.createDataFrame(rows, "task int, work binary")
                spread = tasks.repartitionByRange(len(rows), "task")
                done = spread.mapInArrow(work, Work.SCHEMA).collect()
            except (PySparkException, Py4JError) as error:
                raise ClusterError(str(error)) from error
        receipts = [Receipt.unpacked(bytes(row["receipt"])) for row in done]
        return [receipt for receipt in receipts if receipt is not None]

    def _tasks(self, spark: SparkSession) -> list[list[Source]]:
        """Return the sources that are left, in their order, so many bytes of them in each task."""
        weights = {uri: source.size + _BYTES_OF_ASKING for uri, source in self._left.items()}
        share = sum(weights.values()) // (_cores(spark) * _TASKS_OF_A_CORE)
        most = max(min(share, self._wanted.task_bytes), _LEAST_TASK_BYTES)
        tasks: list[list[Source]] = []
        room = 0
        for uri, source in self._left.items():
            if room < weights[uri] or not tasks:
                tasks.append([])
                room = most
            tasks[-1].append(source)
            room -= weights[uri]
        return tasks


def _cores(spark: SparkSession) -> int:
    """Return how many tasks the cluster does at once, as far as it tells."""
    try:
        return max(spark.sparkContext.defaultParallelism, 1)
    except AttributeError:  # a session that is connected to a cluster from outside does not know
        return 1
