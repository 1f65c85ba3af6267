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
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from flowdb.errors import SourceError, plural
from flowdb.faults import reached
from flowdb.keys import Choice
from flowdb.layouts import Layout
from flowdb.meter import Meter
from flowdb.plan import Plan
from flowdb.readers import SHARED_MEMORY, Jobs, Outcome, Reader, joined
from flowdb.rows import Change
from flowdb.sources import Found, Source, find
from flowdb.standard_input import PLACE, standard_input
from flowdb.store import Store, Writer

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter

__all__ = ["IngestReport", "ingest", "reported"]

# What one thread reads together: with fewer bytes there is no second one.
_ONE_THREAD_BYTES = 1 << 19


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
    return min(cores, 1 + sum(source.size for source in sources) // _ONE_THREAD_BYTES)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How sources are to be taken."""

    layout: Layout | None
    workers: int
    watch: Callable[[Meter], None] | None
    replace: bool
    rollups: bool


def _ingest(store: Store, found: Found, wanted: _Wanted, started: float) -> IngestReport:
    with store.writer("ingest") as writer:
        plan = Plan(found.sources, store.catalog, wanted.replace)
        outcome = _read_all(writer, plan.new, wanted, found.close)
        report = reported(found, plan, outcome)
        if outcome.sources:
            commit = writer.commit(_change(writer, plan, outcome), started)
            report.commit = commit.commit_id
            report.sources_replaced = commit.removed_sources
            report.parquet_bytes = commit.parquet_bytes
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def reported(found: Found, plan: Plan, outcome: Outcome) -> IngestReport:
    """Return what is to be said of sources that were found, planned and read."""
    report = IngestReport(notes=[*_notes(found), *plan.notes()])
    for ignored in filter(None, (outcome.ignored, outcome.left_alone)):
        report.notes.append(_no_logs(ignored))
    report.failures = found.failures + plan.failures + outcome.failures
    report.sources_found = len(found.sources) + len(found.failures) - len(outcome.ignored)
    report.sources_failed = len(report.failures)
    report.sources_ingested = len(outcome.sources)
    report.sources_skipped = report.sources_found - report.sources_ingested - report.sources_failed
    report.records = sum(row.records for row in outcome.sources)
    report.bad_lines = sum(row.bad_lines for row in outcome.sources)
    report.raw_bytes = sum(row.raw_bytes for row in outcome.sources)
    report.source_bytes = sum(row.size for row in outcome.sources)
    return report


def _change(writer: Writer, plan: Plan, outcome: Outcome) -> Change:
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


def _read_all(writer: Writer, sources: list[Source], wanted: _Wanted, give_up: Callable[[], None]) -> Outcome:
    """Read the sources in several threads; if anything but a source fails, remove what was written.

    `give_up` ends the fetching of remote sources, for which the threads may be waiting. What reads
    is loaded by the threads: where every source is known, that is most of the work.
    """
    if not sources:
        return Outcome()
    meter = Meter()
    meter.total_bytes = sum(source.size for source in sources)
    stop = threading.Event()
    first_id = writer.store.catalog.last_source + 1
    workers = min(wanted.workers, len(sources))
    jobs = Jobs(sources, first_id, workers)

    def new_writer(name: str) -> FolderWriter:
        return writer.folder_writer(name, SHARED_MEMORY, are_summed=wanted.rollups)

    readers = [
        Reader(f"{n:02}", jobs, wanted.layout, writer.commit_id, new_writer, meter, stop)
        for n in range(workers)
    ]
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
                reader.discard(writer.store.root)
            raise
    reached("read.done")
    return joined(reader.outcome for reader in readers)
