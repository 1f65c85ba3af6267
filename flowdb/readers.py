"""Takes sources, one after the other or many small ones together, to the files of a writer.

Several threads, each with a reader of its own, take from the same jobs; on a cluster each task
is one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.errors import LayoutError, SourceError
from flowdb.layouts import Layout
from flowdb.loading import load_pyarrow
from flowdb.meter import Meter
from flowdb.rows import SourceRow, Written
from flowdb.sources import Source

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter
    from flowdb.reading import Job

__all__ = ["SHARED_MEMORY", "Jobs", "Outcome", "Reader", "begun", "joined"]

SHARED_MEMORY = 32 << 20
"""How many bytes of records wait in a writer that sources share."""
# Small sources are read together until they have this many bytes as delivered, or are this many.
_TOGETHER_BYTES = 1 << 19
_TOGETHER_SOURCES = 1000
# A thread takes so many bytes of sources that follow each other, since what is of one hour has sums in
# common; fewer when there is little left, so that no thread waits long for another.
_RUN_BYTES = 1 << 24
# The beginnings of so many remote sources are fetched before a thread is there to read them.
_AHEAD = 16


@dataclass(slots=True)
class Outcome:
    """What a reader brought: sources read whole, files of theirs, failures, and what is no log."""

    sources: list[SourceRow] = field(default_factory=list)
    files: list[Written] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)


def joined(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what several readers brought, in the order of the sources."""
    joined = Outcome()
    for outcome in outcomes:
        joined.sources += outcome.sources
        joined.files += outcome.files
        joined.failures += outcome.failures
        joined.ignored += outcome.ignored
        joined.left_alone += outcome.left_alone
    joined.sources.sort(key=lambda row: row.source_id)
    joined.failures.sort(key=lambda failure: failure.source)
    joined.ignored.sort()
    joined.left_alone.sort()
    return joined


class _Stopped(Exception):
    """Another thread failed, or the person interrupted."""


class Jobs:
    """The sources that no thread has taken yet."""

    def __init__(self, sources: list[Source], first_id: int, workers: int) -> None:
        self._jobs = begun(enumerate(sources, first_id))
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


def begun(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield the jobs, each some time after its source began to be fetched."""
    ahead: deque[Job] = deque()
    for job in jobs:
        job[1].begin()
        ahead.append(job)
        if len(ahead) > _AHEAD:
            yield ahead.popleft()
    yield from ahead


class Reader:
    """Takes the next sources, reads them, and writes their records to files that `new_writer` has names for.

    `layout` is that of records without a header, `commit_id` that of the commit to come.
    """

    def __init__(
        self,
        name: str,
        jobs: Jobs,
        layout: Layout | None,
        commit_id: int,
        new_writer: Callable[[str], FolderWriter],
        meter: Meter,
        stop: threading.Event,
    ) -> None:
        self.outcome = Outcome()
        self._name = name
        self._jobs = jobs
        self._run: deque[Job] = deque()
        self._given = layout
        self._commit_id = commit_id
        self._new_writer = new_writer
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

    def discard(self, root: Path) -> None:
        """Remove what this reader wrote, in the store at `root`, once it has stopped."""
        with self._working:
            if self._written is not None:
                self._written.discard()
            for file in self.outcome.files:
                (root / file.row.path).unlink(missing_ok=True)

    def _read(self) -> None:
        # An interrupt, which reaches the first thread, cannot break off here what is being loaded.
        load_pyarrow()
        from flowdb.reading import Together

        self._written = shared = self._new_writer(self._name)
        together = Together(self._given, self._commit_id)
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
        reading = Reading(job, self._given, self._commit_id, lambda: self._new_writer(name))
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

    def _progress(self, read_bytes: int, records: int) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._meter.add(read_bytes, records)
