"""Reads sources whole: one at a time, or many small ones together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import accumulate, pairwise

import pyarrow as pa
import pyarrow.compute as pc

from flowdb import native
from flowdb.arrays import number, numbers, texts
from flowdb.compression import Damaged, Text, TooLarge
from flowdb.dates import by_date, date_folder
from flowdb.delivery import deliveries, is_plain
from flowdb.errors import LayoutError, SourceChanged, SourceDamaged, SourceError, plural
from flowdb.layouts import Layout, LayoutUnknown
from flowdb.lines import BLOCK_SIZE
from flowdb.partitions import QUARANTINE_SCHEMA, FolderWriter
from flowdb.records import BadLine, beginning, has_header, read_clean
from flowdb.rows import QUARANTINE, SourceRow, Written, iso_time
from flowdb.sources import Opened, Source
from flowdb.words import size_of

__all__ = ["Job", "Progress", "Reading", "Together"]

Job = tuple[int, Source]
"""A source, and the id that it is given."""
Progress = Callable[[int, int], None]
"""Takes how many bytes of sources were read, and how many records found; raises to stop."""

_BUFFER = 1 << 20
_HELD_BACK = 48 << 20
_HEAD = 1 << 16  # of a text, in which its header is
_NEWLINE = 10


class Reading:
    """One source that is being read, and its records, which may still turn out to be damaged.

    `given` is the layout of records without a header; `new_writer` makes the writer of the
    files of its own that a source gets when it is too large to be held back. `left_alone` are
    the files in an archive that are no flow logs.
    """

    def __init__(
        self, job: Job, given: Layout | None, commit_id: int, new_writer: Callable[[], FolderWriter]
    ) -> None:
        self._source_id, self._source = job
        self._given = given
        self.left_alone: list[str] = []
        self._commit_id = commit_id
        self._new_writer = new_writer
        self._own: FolderWriter | None = None
        self._pieces: list[tuple[str, pa.Table, int]] = []
        self._bytes = 0

    def read(self, progress: Progress) -> SourceRow:
        """Read the source to its end, and return what the catalogue is to say of it."""
        source = self._source
        lines = records = bad = count = raw_bytes = 0
        starts: list[int] = []
        names: dict[str, None] = {}
        with Opened(source) as opened:
            name = ""
            stream: BufferedReader = BufferedReader(opened, _BUFFER)  # closes what it reads when it is gone
            try:
                for name, text, batches in deliveries(stream, self._given, self._leave):
                    for batch in batches:
                        names |= dict.fromkeys(batch.layout.names)
                        found = sum(map(len, batch.records))
                        lines, records, bad = lines + batch.lines, records + found, bad + len(batch.bad)
                        for table in batch.records:
                            starts += _bounds(table)
                            self._take_records(table)
                        self._take_bad_lines(batch.bad, name)
                        progress(opened.count - count, found)
                        count = opened.count
                    raw_bytes += text.size
            except LayoutUnknown as error:
                raise LayoutError(source.uri, f"{name}: {error}" if name else str(error)) from error
            except TooLarge as error:
                raise SourceDamaged(source.uri, str(error), records) from error
            except Damaged as error:
                after = f"after {plural(records, 'record')}; none were kept, the next ingest tries again"
                raise SourceDamaged(source.uri, f"{error}, {after}", records) from error
            if opened.has_changed():
                raise SourceChanged(source.uri, "it changed while it was read; the next ingest tries again")
            return SourceRow(
                source_id=self._source_id,
                uri=source.uri,
                name=source.name,
                size=source.size,
                modified=source.modified,
                delivered=iso_time(source.time.timestamp() * 1e3),
                fingerprint=opened.fingerprint,
                layout=" ".join(names),
                lines=lines,
                records=records,
                bad_lines=bad,
                raw_bytes=raw_bytes,
                first_start=iso_time(min(starts)) if starts else None,
                last_start=iso_time(max(starts)) if starts else None,
                commit_id=self._commit_id,
            )

    def release(self, shared: FolderWriter) -> list[Written]:
        """Hand the records on: to the shared files, or as the files of its own that it has."""
        if self._own is not None:
            self._move_to(self._own)
            return self._own.finish()
        self._move_to(shared)
        return []

    def discard(self) -> None:
        """Forget the records, and remove what was written of them."""
        self._pieces = []
        if self._own is not None:
            self._own.discard()

    def _leave(self, name: str) -> None:
        self.left_alone.append(f"{self._source.uri}!{name}")

    def _take_records(self, records: pa.Table) -> None:
        for day, table in by_date(records, self._source.time):
            ids = pa.repeat(number(self._source_id), len(table))
            self._take(date_folder(day, table), table.append_column("source_id", ids))

    def _take_bad_lines(self, bad: list[BadLine], name: str) -> None:
        if bad:
            source = f"{self._source.uri}!{name}" if name else self._source.uri
            arrays = [
                numbers([self._source_id] * len(bad)),
                texts([source] * len(bad)),
                numbers([line.number for line in bad]),
                texts([line.reason for line in bad]),
                texts([line.text for line in bad]),
            ]
            self._take(QUARANTINE, pa.table(arrays, schema=QUARANTINE_SCHEMA))

    def _take(self, folder: str, table: pa.Table) -> None:
        size = size_of(table)
        self._pieces.append((folder, table, size))
        self._bytes += size
        if self._bytes > _HELD_BACK:
            if self._own is None:
                self._own = self._new_writer()
            self._move_to(self._own)

    def _move_to(self, target: FolderWriter) -> None:
        for folder, table, size in self._pieces:
            target.add(folder, table, size)
        self._pieces, self._bytes = [], 0


@dataclass(slots=True)
class _Member:
    """A small source that was read to its end, but not parsed: its records, in so many bytes of the room."""

    job: Job
    fingerprint: str
    size: int
    raw_bytes: int
    header_lines: int


@dataclass(slots=True)
class _Run:
    """Sources of one layout whose records follow each other in the room, from `start` on."""

    layout: Layout
    start: int
    members: list[_Member] = field(default_factory=list)


class Together:
    """Many small sources, parsed as if they were one, which saves most of what each one costs.

    Only those can be that hold nothing but records with a start, in the same layout; the
    others are to be read one at a time. One thread reads with it, again and again in the same memory.
    """

    def __init__(self, given: Layout | None, commit_id: int) -> None:
        self._given = given
        self._commit_id = commit_id
        self._room = memoryview(pa.allocate_buffer(BLOCK_SIZE)).cast("B")

    def read(
        self, jobs: Iterable[Job], shared: FolderWriter, progress: Progress
    ) -> tuple[list[SourceRow], list[Job]]:
        """Read what can be read together into the shared files; return its rows, and the other jobs."""
        runs: list[_Run] = []
        others: list[Job] = []
        end = header = 0
        for job in jobs:
            layout, member, header = self._load(job, end, header)
            if layout is None or member is None:
                others.append(job)
                continue
            if not runs or runs[-1].layout != layout:
                runs.append(_Run(layout, end))
            runs[-1].members.append(member)
            end += member.size
        rows: list[SourceRow] = []
        for run in runs:
            read = self._read_run(run, shared)
            if read is None:
                others += [member.job for member in run.members]
                continue
            rows += read
            progress(sum(member.job[1].size for member in run.members), sum(row.records for row in read))
        return rows, sorted(others, key=lambda job: job[0])

    def _load(self, job: Job, end: int, header: int) -> tuple[Layout | None, _Member | None, int]:
        """Read a source whole, its records to where the room is free; give nothing where anything is odd.

        Its header, which is mostly as long as the last one, goes where records are, and these are put back.
        Returns how long it is.
        """
        source = job[1]
        begin = end - header if end >= header else end
        under = bytes(self._room[begin:end])
        try:
            with Opened(source) as opened:
                text = Text(BufferedReader(opened, _BUFFER))
                room = self._room[begin:-1]
                size = text.readinto(room)
                if size == len(room) or opened.has_changed():
                    return None, None, header
                head = bytes(room[: min(size, _HEAD)])
                if size > _HEAD and not has_header(head):
                    head = bytes(room[:size])
                if not is_plain(head):
                    return None, None, header
                start, layout, header_lines = beginning(head, self._given)
        except (SourceError, Damaged, LayoutUnknown):
            return None, None, header
        else:
            fingerprint, raw_bytes = opened.fingerprint, size
            if start < size and room[size - 1] != _NEWLINE:
                room[size] = _NEWLINE
                size += 1
            if begin + start != end:
                self._room[end : end + size - start] = room[start:size]
            return layout, _Member(job, fingerprint, size - start, raw_bytes, header_lines), start
        finally:
            self._room[begin:end] = under

    def _read_run(self, run: _Run, shared: FolderWriter) -> list[SourceRow] | None:
        members = run.members
        ends = [*accumulate((member.size for member in members), initial=run.start)]
        block = self._room[run.start : ends[-1]]
        counts = [native.line_count(self._room[first:last]) for first, last in pairwise(ends)]
        records = read_clean(block, run.layout, lines=sum(counts)) if len(block) else None
        if records is None or "start_time" not in records.column_names or records["start_time"].null_count:
            return None
        bounds = [
            _bounds(records.slice(first, count))
            for first, count in zip(accumulate(counts, initial=0), counts, strict=False)
        ]
        records = records.append_column("source_id", _repeated([member.job[0] for member in members], counts))
        for day, table in by_date(records, members[0].job[1].time):
            shared.add(date_folder(day, table), table)
        return [
            self._row(member, run.layout, count, starts)
            for member, count, starts in zip(members, counts, bounds, strict=True)
        ]

    def _row(self, member: _Member, layout: Layout, records: int, starts: list[int]) -> SourceRow:
        source_id, source = member.job
        return SourceRow(
            source_id=source_id,
            uri=source.uri,
            name=source.name,
            size=source.size,
            modified=source.modified,
            delivered=iso_time(source.time.timestamp() * 1e3),
            fingerprint=member.fingerprint,
            layout=str(layout),
            lines=records + member.header_lines,
            records=records,
            bad_lines=0,
            raw_bytes=member.raw_bytes,
            first_start=iso_time(starts[0]) if starts else None,
            last_start=iso_time(starts[1]) if starts else None,
            commit_id=self._commit_id,
        )


def _repeated(values: list[int], counts: list[int]) -> pa.Array:
    """Return each value as many times as its count says."""
    return pa.concat_arrays(
        [pa.repeat(number(value), count) for value, count in zip(values, counts, strict=True)]
    )


def _bounds(records: pa.Table) -> list[int]:
    """Return the first and the last start, in milliseconds since 1970, or nothing."""
    if "start_time" not in records.column_names:
        return []
    bounds = pc.min_max(records["start_time"].cast(pa.int64())).as_py()
    return [] if bounds["min"] is None else [bounds["min"], bounds["max"]]
