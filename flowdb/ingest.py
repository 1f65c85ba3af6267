"""The pipeline from sources to one commit.

A few threads each take the next source, decompress, parse and write it; pyarrow and ISA-L
release the interpreter's lock while they work. The records of a source reach the files
that all sources share only when the whole source has been read. One too large to be held
back has files of its own until then.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from io import BufferedReader

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.catalog import QUARANTINE, CommitRow, FileRow, SourceRow
from flowdb.errors import LayoutError, SourceChanged, SourceDamaged, SourceError, plural
from flowdb.fields import FIELDS
from flowdb.layouts import LayoutUnknown
from flowdb.partitions import QUARANTINE_SCHEMA, FolderWriter, by_date, date_folder
from flowdb.plan import Plan
from flowdb.records import BadLine, parse
from flowdb.shapes import Damaged, Text, blocks
from flowdb.sources import Found, Opened, Source, find
from flowdb.store import Store, Writer

__all__ = ["IngestReport", "Meter", "ingest"]

_BUFFER = 1 << 20
_SHARED_MEMORY = 64 << 20
_HELD_BACK = 48 << 20
_KNOWN_COLUMNS = {one.column for one in FIELDS}


@dataclass(slots=True)
class IngestReport:
    """What an ingest did. Sizes are bytes: `raw_bytes` of text, `source_bytes` as delivered."""

    sources_found: int = 0
    sources_ingested: int = 0
    sources_skipped: int = 0
    sources_failed: int = 0
    records: int = 0
    bad_lines: int = 0
    raw_bytes: int = 0
    source_bytes: int = 0
    parquet_bytes: int = 0
    seconds: float = 0.0
    commit: int | None = None
    failures: list[SourceError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, int | float | None]:
        """Return the numbers, by name."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("failures", "notes")
        }


class Meter:
    """How far an ingest is: bytes of sources to read and read, records found."""

    def __init__(self) -> None:
        self.total_bytes = 0
        self.read_bytes = 0
        self.records = 0
        self._lock = threading.Lock()

    def add(self, read_bytes: int, records: int) -> None:
        """Count what one thread did."""
        with self._lock:
            self.read_bytes += read_bytes
            self.records += records


def ingest(
    store: Store,
    places: Iterable[str | os.PathLike[str]],
    *,
    workers: int | None = None,
    watch: Callable[[Meter], None] | None = None,
) -> IngestReport:
    """Bring the flow logs at these places into the store, as one commit, and say what happened.

    Sources that the store has already are skipped. One that cannot be read is a failure in
    the report, and the others are not affected. `watch` is called about ten times a
    second. Whatever else goes wrong, or an interrupt, leaves the store as it was.
    """
    started = time.perf_counter()
    found = find(places)
    report = IngestReport(sources_found=len(found.sources), notes=_notes(found))
    with store.writer("ingest") as writer:
        plan = Plan(found.sources, store.catalog)
        outcome = _read_all(writer, plan.new, workers or os.cpu_count() or 1, watch)
        report.notes += plan.notes()
        report.failures = plan.failures + outcome.failures
        report.sources_failed = len(report.failures)
        report.sources_ingested = len(outcome.sources)
        report.sources_skipped = len(found.sources) - report.sources_ingested - report.sources_failed
        report.records = sum(row.records for row in outcome.sources)
        report.bad_lines = sum(row.bad_lines for row in outcome.sources)
        report.raw_bytes = sum(row.raw_bytes for row in outcome.sources)
        report.source_bytes = sum(row.size for row in outcome.sources)
        report.parquet_bytes = sum(file.bytes for file in outcome.files)
        if outcome.sources:
            report.commit = writer.commit_id
            writer.commit(_commit_row(writer, report, started), outcome.sources, outcome.files)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _notes(found: Found) -> list[str]:
    notes = [f"{place}: no flow logs in it" for place in found.empty]
    if found.ignored:
        notes.append(f"{plural(found.ignored, 'file')} that are neither *.log nor *.log.gz left alone")
    return notes


def _commit_row(writer: Writer, report: IngestReport, started: float) -> CommitRow:
    return CommitRow(
        commit_id=writer.commit_id,
        verb=writer.verb,
        committed_at=_iso(time.time() * 1000),
        sources=report.sources_ingested,
        records=report.records,
        bad_lines=report.bad_lines,
        raw_bytes=report.raw_bytes,
        source_bytes=report.source_bytes,
        parquet_bytes=report.parquet_bytes,
        seconds=round(time.perf_counter() - started, 3),
    )


def _iso(milliseconds: float) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds")


@dataclass(slots=True)
class _Outcome:
    """What the threads brought: sources read whole, the files that hold them, failures."""

    sources: list[SourceRow] = field(default_factory=list)
    files: list[FileRow] = field(default_factory=list)
    failures: list[SourceError] = field(default_factory=list)


class _Stopped(Exception):
    """Another thread failed, or the person interrupted."""


def _read_all(
    writer: Writer, sources: list[Source], workers: int, watch: Callable[[Meter], None] | None
) -> _Outcome:
    """Read the sources in several threads; if anything but a source fails, remove what was written."""
    meter = Meter()
    meter.total_bytes = sum(source.size for source in sources)
    stop = threading.Event()
    first_id = writer.store.catalog.last_source + 1
    jobs = enumerate(sources, first_id)
    readers = [_Reader(writer, f"{n:02}", jobs, meter, stop) for n in range(min(workers, len(sources)))]
    with ThreadPoolExecutor(max_workers=max(len(readers), 1)) as pool:
        futures: list[Future[None]] = [pool.submit(reader.run) for reader in readers]
        try:
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=0.1)
                if watch is not None:
                    watch(meter)
                for future in done:
                    future.result()
        except BaseException:
            stop.set()
            wait(futures)
            for reader in readers:
                reader.discard()
            raise
    outcome = _Outcome()
    for reader in readers:
        outcome.sources += reader.outcome.sources
        outcome.files += reader.outcome.files
        outcome.failures += reader.outcome.failures
    outcome.sources.sort(key=lambda row: row.source_id)
    outcome.failures.sort(key=lambda failure: failure.source)
    return outcome


class _Reader:
    """One thread's share: takes the next source, reads it whole, hands its records on."""

    _taking = threading.Lock()

    def __init__(
        self,
        writer: Writer,
        name: str,
        jobs: Iterator[tuple[int, Source]],
        meter: Meter,
        stop: threading.Event,
    ) -> None:
        self.outcome = _Outcome()
        self._writer = writer
        self._name = name
        self._jobs = jobs
        self._meter = meter
        self._stop = stop
        self._shared = writer.folder_writer(name, _SHARED_MEMORY)

    def run(self) -> None:
        """Read sources until there are none left."""
        while job := self._next():
            source_id, source = job
            held = _Held(self._writer, f"{self._name}-{source_id}")
            try:
                row = self._read(source_id, source, held)
            except SourceError as error:
                held.discard()
                self.outcome.failures.append(error)
            except BaseException:
                held.discard()
                raise
            else:
                self.outcome.files += held.release(self._shared)
                self.outcome.sources.append(row)
        self.outcome.files += self._shared.finish()

    def discard(self) -> None:
        """Remove what this thread wrote."""
        self._shared.discard()
        for file in self.outcome.files:
            (self._writer.store.root / file.path).unlink(missing_ok=True)

    def _next(self) -> tuple[int, Source] | None:
        with self._taking:
            return None if self._stop.is_set() else next(self._jobs, None)

    def _read(self, source_id: int, source: Source, held: _Held) -> SourceRow:
        lines = records = bad = 0
        starts: list[int] = []
        layout = ""
        with Opened(source) as opened:
            text = Text(BufferedReader(opened, _BUFFER))
            read_before = 0
            try:
                for batch in parse(blocks(text)):
                    if self._stop.is_set():
                        raise _Stopped
                    layout = layout or str(batch.layout)
                    found = sum(map(len, batch.records))
                    lines, records, bad = lines + batch.lines, records + found, bad + len(batch.bad)
                    for table in batch.records:
                        starts += _bounds(table)
                        held.add_records(table, source_id, source.time)
                    held.add_bad_lines(batch.bad, source_id, source.uri)
                    self._meter.add(opened.count - read_before, found)
                    read_before = opened.count
            except LayoutUnknown as error:
                raise LayoutError(source.uri, str(error)) from error
            except Damaged as error:
                reason = (
                    f"{error}, after {plural(records, 'record')}; none were kept, the next ingest tries again"
                )
                raise SourceDamaged(source.uri, reason, records) from error
            if opened.has_changed():
                raise SourceChanged(source.uri, "it changed while it was read; the next ingest tries again")
            return SourceRow(
                source_id=source_id,
                uri=source.uri,
                name=source.name,
                size=source.size,
                modified=source.modified,
                fingerprint=opened.fingerprint,
                layout=layout,
                lines=lines,
                records=records,
                bad_lines=bad,
                raw_bytes=text.size,
                first_start=_iso(min(starts)) if starts else None,
                last_start=_iso(max(starts)) if starts else None,
                commit_id=self._writer.commit_id,
            )


class _Held:
    """The records of a source that may still turn out to be damaged."""

    def __init__(self, writer: Writer, name: str) -> None:
        self._writer = writer
        self._name = name
        self._pieces: list[tuple[str, pa.Table, tuple[str, ...]]] = []
        self._bytes = 0
        self._own: FolderWriter | None = None

    def add_records(self, records: pa.Table, source_id: int, delivered: datetime) -> None:
        """Take records, cut by date."""
        extra = tuple(sorted(set(records.column_names) - _KNOWN_COLUMNS))
        for day, table in by_date(records, delivered):
            ids = pa.repeat(pa.scalar(source_id, pa.int64()), len(table))
            self._add(date_folder(day), table.append_column("source_id", ids), extra)

    def add_bad_lines(self, bad: list[BadLine], source_id: int, uri: str) -> None:
        """Take lines that would not parse."""
        if bad:
            columns = [
                [source_id] * len(bad),
                [uri] * len(bad),
                [line.number for line in bad],
                [line.reason for line in bad],
                [line.text for line in bad],
            ]
            arrays = [
                pa.array(values, one.type) for values, one in zip(columns, QUARANTINE_SCHEMA, strict=True)
            ]
            self._add(QUARANTINE, pa.table(arrays, schema=QUARANTINE_SCHEMA), ())

    def release(self, shared: FolderWriter) -> list[FileRow]:
        """Hand everything on: to the shared files, or as the files of its own that it has."""
        if self._own is not None:
            self._move_to(self._own)
            return self._own.finish()
        self._move_to(shared)
        return []

    def discard(self) -> None:
        """Forget everything."""
        self._pieces = []
        if self._own is not None:
            self._own.discard()

    def _add(self, folder: str, table: pa.Table, extra: tuple[str, ...]) -> None:
        self._pieces.append((folder, table, extra))
        self._bytes += table.nbytes
        if self._bytes > _HELD_BACK:
            if self._own is None:
                self._own = self._writer.folder_writer(self._name, _SHARED_MEMORY)
            self._move_to(self._own)

    def _move_to(self, target: FolderWriter) -> None:
        for folder, table, extra in self._pieces:
            target.add(folder, table, extra)
        self._pieces, self._bytes = [], 0


def _bounds(records: pa.Table) -> list[int]:
    """Return the first and the last start, in milliseconds since 1970, or nothing."""
    if "start_time" not in records.column_names:
        return []
    bounds = pc.min_max(records["start_time"].cast(pa.int64())).as_py()
    return [] if bounds["min"] is None else [bounds["min"], bounds["max"]]
