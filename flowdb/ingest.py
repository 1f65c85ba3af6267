"""The pipeline from sources to one commit.

A few threads each take the next source, decompress, parse and write it; pyarrow and ISA-L
release the interpreter's lock while they work. The records of a source reach the files
that all sources share only when the whole source has been read. One too large to be held
back has files of its own until then, and small ones are parsed together.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from flowdb.errors import LayoutError, SourceError, plural
from flowdb.faults import reached
from flowdb.keys import Choice
from flowdb.layouts import Layout
from flowdb.meter import Meter
from flowdb.plan import Plan
from flowdb.rows import Change, SourceRow, Written
from flowdb.sources import Found, Source, find
from flowdb.standard_input import PLACE, standard_input
from flowdb.store import Store, Writer

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter
    from flowdb.reading import Job

__all__ = ["IngestReport", "ingest"]

_SHARED_MEMORY = 32 << 20
# Small sources are read together until they have this many bytes as delivered, or are this many.
_TOGETHER_BYTES = 1 << 19
_TOGETHER_SOURCES = 1000
# A thread takes so many bytes of sources that follow each other, since what is of one hour has sums in
# common; fewer when there is little left, so that no thread waits long for another.
_RUN_BYTES = 1 << 24
# The beginnings of so many remote sources are fetched before a thread is there to read them.
_AHEAD = 16


@dataclass(slots=True)
class IngestReport:
    """What an ingest did. Sizes are bytes: `raw_bytes` of text, `source_bytes` as delivered."""

    sources_found: int = 0
    sources_ingested: int = 0
    sources_skipped: int = 0
    sources_failed: int = 0
    sources_replaced: int = 0
    records: int = 0
    bad_lines: int = 0
    raw_bytes: int = 0
    source_bytes: int = 0
    parquet_bytes: int = 0
    files_compacted: int = 0
    seconds: float = 0.0
    commit: int | None = None
    failures: list[SourceError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, int | float | None]:
        """Return the numbers, by name."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("failures", "notes")
        }


def ingest(
    store: Store,
    places: Iterable[str | os.PathLike[str]],
    *,
    layout: Layout | None = None,
    workers: int | None = None,
    watch: Callable[[Meter], None] | None = None,
    choice: Choice = Choice(),  # noqa: B008 -- it cannot be changed
    storage: Mapping[str, object] | None = None,
    replace: bool = False,
    rollups: bool = True,
) -> IngestReport:
    """Bring the flow logs at these places into the store, as one commit, and say what happened.

    The place `-` is standard input. `layout` is that of records without a header. The choice says
    which objects are looked at, `storage` how URLs are opened. Sources that the store has already
    are skipped; one whose content is another one now is a failure, unless it is to `replace` what
    the store has of it. Without `rollups` no hourly sums are made. One that cannot be read is a
    failure in the report, and the others are not affected. `watch` is called about ten times a
    second. Whatever else goes wrong, or an interrupt, leaves the store as it was.
    """
    started = time.perf_counter()
    named = [os.fspath(place) for place in places]
    others = [place for place in named if place != PLACE]
    with ExitStack() as stack:
        found = (
            stack.enter_context(closing(find(others, choice, storage, _counted(watch))))
            if others
            else Found()
        )
        if len(others) < len(named):
            found.sources.append(stack.enter_context(standard_input()))
        wanted = _Wanted(layout, workers or _workers(found.sources), watch, replace, rollups)
        return _ingest(store, found, wanted, started)


def _counted(watch: Callable[[Meter], None] | None) -> Callable[[int], None] | None:
    """Return what shows whoever watches how many objects are listed."""
    if watch is None:
        return None
    meter = Meter()

    def listed(objects: int) -> None:
        meter.list(objects)
        watch(meter)

    return listed


def _workers(sources: list[Source]) -> int:
    """Return the number of threads: one for each core, fewer where one reads all before another begins."""
    cores = os.cpu_count() or 1
    if any(source.remote is not None for source in sources):
        return cores
    return min(cores, 1 + sum(source.size for source in sources) // _TOGETHER_BYTES)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How sources are to be taken."""

    layout: Layout | None
    workers: int
    watch: Callable[[Meter], None] | None
    replace: bool
    rollups: bool


def _ingest(store: Store, found: Found, wanted: _Wanted, started: float) -> IngestReport:
    report = IngestReport(notes=_notes(found))
    with store.writer("ingest") as writer:
        plan = Plan(found.sources, store.catalog, wanted.replace)
        outcome = _read_all(writer, plan.new, wanted, found.close)
        report.notes += plan.notes()
        if ignored := outcome.ignored:
            report.notes.append(_no_logs(ignored))
        if outcome.left_alone:
            report.notes.append(_no_logs(outcome.left_alone))
        report.sources_found = len(found.sources) + len(found.failures) - len(ignored)
        report.failures = found.failures + plan.failures + outcome.failures
        report.sources_failed = len(report.failures)
        report.sources_ingested = len(outcome.sources)
        report.sources_skipped = report.sources_found - report.sources_ingested - report.sources_failed
        report.records = sum(row.records for row in outcome.sources)
        report.bad_lines = sum(row.bad_lines for row in outcome.sources)
        report.raw_bytes = sum(row.raw_bytes for row in outcome.sources)
        report.source_bytes = sum(row.size for row in outcome.sources)
        if outcome.sources:
            commit = writer.commit(_change(writer, plan, outcome), started)
            report.commit = commit.commit_id
            report.sources_replaced = commit.removed_sources
            report.parquet_bytes = commit.parquet_bytes
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _change(writer: Writer, plan: Plan, outcome: _Outcome) -> Change:
    """Return what the commit is to change: new sources, and those that they replace go."""
    from flowdb.rewriting import without_sources

    replaced = [plan.replaced[row.uri] for row in outcome.sources if row.uri in plan.replaced]
    gone = without_sources(writer, replaced)
    return Change(outcome.sources, [*outcome.files, *gone.files], gone.retired, gone.forgotten)


def _notes(found: Found) -> list[str]:
    notes = [f"{place}: no flow logs in it" for place in found.empty]
    if found.ignored:
        notes.append(f"{plural(found.ignored, 'file')} without the name of a flow log left alone")
    return notes


def _no_logs(uris: list[str]) -> str:
    others = len(uris) - 1
    return (
        f"{uris[0]} and {plural(others, 'other file')}: no flow logs" if others else f"{uris[0]}: no flow log"
    )


@dataclass(slots=True)
class _Outcome:
    """What the threads brought: sources read whole, files of theirs, failures, and what is no log."""

    sources: list[SourceRow] = field(default_factory=list)
    files: list[Written] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)


class _Stopped(Exception):
    """Another thread failed, or the person interrupted."""


def _read_all(
    writer: Writer, sources: list[Source], wanted: _Wanted, give_up: Callable[[], None]
) -> _Outcome:
    """Read the sources in several threads; if anything but a source fails, remove what was written.

    `give_up` ends the fetching of remote sources, for which the threads may be waiting. What reads
    is loaded by the threads: where every source is known, that is most of the work.
    """
    if not sources:
        return _Outcome()
    meter = Meter()
    meter.total_bytes = sum(source.size for source in sources)
    stop = threading.Event()
    first_id = writer.store.catalog.last_source + 1
    workers = min(wanted.workers, len(sources))
    jobs = _Jobs(sources, first_id, workers)
    readers = [_Reader(writer, f"{n:02}", jobs, wanted, meter, stop) for n in range(workers)]
    with ThreadPoolExecutor(max_workers=len(readers) + 1) as pool:
        try:
            futures: list[Future[None]] = [pool.submit(reader.run) for reader in readers]
            # The commit needs it: done while the readers work, and where an interrupt cannot break it off.
            pool.submit(writer.store.prepare)
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=0.1)
                if wanted.watch is not None:
                    wanted.watch(meter)
                for future in done:
                    future.result()
        except BaseException:
            stop.set()
            give_up()
            for reader in readers:
                reader.discard()
            raise
    reached("read.done")
    outcome = _Outcome()
    for reader in readers:
        outcome.sources += reader.outcome.sources
        outcome.files += reader.outcome.files
        outcome.failures += reader.outcome.failures
        outcome.ignored += reader.outcome.ignored
        outcome.left_alone += reader.outcome.left_alone
    outcome.sources.sort(key=lambda row: row.source_id)
    outcome.failures.sort(key=lambda failure: failure.source)
    outcome.ignored.sort()
    outcome.left_alone.sort()
    return outcome


class _Jobs:
    """The sources that no thread has taken yet."""

    def __init__(self, sources: list[Source], first_id: int, workers: int) -> None:
        self._jobs = _begun(enumerate(sources, first_id))
        self._left = sum(source.size for source in sources)
        self._workers = workers
        self._taking = threading.Lock()

    def take(self) -> list[Job]:
        """Return sources that follow each other, or one that is remote; none when all are taken."""
        jobs: list[Job] = []
        with self._taking:
            size = min(_RUN_BYTES, self._left // (8 * self._workers))
            while job := next(self._jobs, None):
                jobs.append(job)
                size -= job[1].size
                self._left -= job[1].size
                if size <= 0 or job[1].remote is not None:
                    break
        return jobs


def _begun(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield the jobs, each some time after its source began to be fetched."""
    ahead: deque[Job] = deque()
    for job in jobs:
        job[1].begin()
        ahead.append(job)
        if len(ahead) > _AHEAD:
            yield ahead.popleft()
    yield from ahead


class _Reader:
    """One thread's share: takes the next sources, reads them, writes their records."""

    def __init__(
        self,
        writer: Writer,
        name: str,
        jobs: _Jobs,
        wanted: _Wanted,
        meter: Meter,
        stop: threading.Event,
    ) -> None:
        self.outcome = _Outcome()
        self._writer = writer
        self._name = name
        self._jobs = jobs
        self._run: deque[Job] = deque()
        self._given = wanted.layout
        self._rollups = wanted.rollups
        self._meter = meter
        self._stop = stop
        self._written: FolderWriter | None = None
        # An interrupt while a thread is started leaves a thread that its pool knows nothing of.
        self._working = threading.Lock()

    def run(self) -> None:
        """Read sources until there are none left."""
        with self._working:
            if not self._stop.is_set():
                self._read()

    def discard(self) -> None:
        """Remove what this thread wrote, once it has stopped."""
        with self._working:
            if self._written is not None:
                self._written.discard()
            for file in self.outcome.files:
                (self._writer.store.root / file.row.path).unlink(missing_ok=True)

    def _read(self) -> None:
        # An interrupt, which reaches the first thread, cannot break off here what is being loaded.
        import flowdb.allocation  # noqa: F401 -- before anything that loads pyarrow
        from flowdb.reading import Together

        self._written = shared = self._new_writer(self._name)
        together = Together(self._given, self._writer.commit_id)
        while jobs := self._next():
            alone = jobs
            if len(jobs) > 1:
                rows, alone = together.read(jobs, shared, self._progress)
                self.outcome.sources += rows
            for job in alone:
                self._read_alone(job, shared)
            for _, source in jobs:
                source.release()
        if not self._stop.is_set():
            self.outcome.files += shared.finish()

    def _next(self) -> list[Job]:
        """Return the next source, or as many small ones as are read together."""
        jobs: list[Job] = []
        size = 0
        while not self._stop.is_set() and size < _TOGETHER_BYTES and len(jobs) < _TOGETHER_SOURCES:
            if not self._run:
                self._run.extend(self._jobs.take())
            if not self._run:
                break
            jobs.append(self._run.popleft())
            size += jobs[-1][1].size
        return jobs

    def _read_alone(self, job: Job, shared: FolderWriter) -> None:
        from flowdb.reading import Reading

        name = f"{self._name}-{job[0]}"
        reading = Reading(job, self._given, self._writer.commit_id, lambda: self._new_writer(name))
        try:
            row = reading.read(self._progress)
        except SourceError as error:
            reading.discard()
            if isinstance(error, LayoutError) and not job[1].is_expected:
                self.outcome.ignored.append(error.source)
            else:
                self.outcome.failures.append(error)
        except BaseException:
            reading.discard()
            raise
        else:
            self.outcome.files += reading.release(shared)
            self.outcome.left_alone += reading.left_alone
            self.outcome.sources.append(row)

    def _new_writer(self, name: str) -> FolderWriter:
        return self._writer.folder_writer(name, _SHARED_MEMORY, are_summed=self._rollups)

    def _progress(self, read_bytes: int, records: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._meter.add(read_bytes, records)
