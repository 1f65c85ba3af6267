"""Reads sources whole: one at a time, or many small ones together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number, numbers, texts
from flowdb.compression import Damaged, Text, TooLarge
from flowdb.delivery import deliveries, is_plain
from flowdb.errors import LayoutError, SourceChanged, SourceDamaged, SourceError, plural
from flowdb.layouts import Layout, LayoutUnknown
from flowdb.lines import BLOCK_SIZE
from flowdb.partitions import QUARANTINE_SCHEMA, FolderWriter, by_date, date_folder
from flowdb.records import BadLine, beginning, read_clean
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
    """A small source that was read to its end, but not parsed; its records begin at `start`."""

    job: Job
    fingerprint: str
    content: bytes
    start: int
    raw_bytes: int
    header_lines: int


class Together:
    """Many small sources, parsed as if they were one, which saves most of what each one costs.

    Only those can be that hold nothing but records with a start, in the same layout; the
    others are to be read one at a time.
    """

    def __init__(self, jobs: Sequence[Job], given: Layout | None, commit_id: int) -> None:
        self._jobs = jobs
        self._given = given
        self._commit_id = commit_id

    def read(self, shared: FolderWriter, progress: Progress) -> tuple[list[SourceRow], list[Job]]:
        """Read what can be read together into the shared files; return its rows, and the other jobs."""
        by_layout: dict[Layout, list[_Member]] = {}
        others: list[Job] = []
        room = BLOCK_SIZE
        for job in self._jobs:
            layout, member = _load(job, self._given, room)
            if layout is None or member is None:
                others.append(job)
                continue
            room -= len(member.content)
            by_layout.setdefault(layout, []).append(member)
        rows: list[SourceRow] = []
        for layout, members in by_layout.items():
            read = self._read_members(layout, members, shared)
            if read is None:
                others += [member.job for member in members]
                continue
            rows += read
            progress(sum(member.job[1].size for member in members), sum(row.records for row in read))
        return rows, sorted(others, key=lambda job: job[0])

    def _read_members(
        self, layout: Layout, members: list[_Member], shared: FolderWriter
    ) -> list[SourceRow] | None:
        block, start = members[0].content, members[0].start
        if len(members) > 1:
            block, start = b"".join(memoryview(member.content)[member.start :] for member in members), 0
        records = read_clean(block, layout, start) if start < len(block) else None
        if records is None or "start_time" not in records.column_names or records["start_time"].null_count:
            return None
        # To count takes time: the last one has the rest.
        counts = [member.content.count(b"\n", member.start) for member in members[:-1]]
        counts.append(len(records) - sum(counts))
        bounds = [
            _bounds(records.slice(first, count))
            for first, count in zip(accumulate(counts, initial=0), counts, strict=False)
        ]
        records = records.append_column("source_id", _repeated([member.job[0] for member in members], counts))
        for day, table in by_date(records, members[0].job[1].time):
            shared.add(date_folder(day, table), table)
        return [
            self._row(member, layout, count, starts)
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


def _load(job: Job, given: Layout | None, room: int) -> tuple[Layout | None, _Member | None]:
    """Read a source of no more than `room` bytes of text whole; give nothing where anything is odd."""
    source = job[1]
    try:
        with Opened(source) as opened:
            text = Text(BufferedReader(opened, _BUFFER))
            content = text.read(room)
            if len(content) == room or opened.has_changed() or not is_plain(content):
                return None, None
            start, layout, header_lines = beginning(content, given)
            size = len(content)
            if start < size and not content.endswith(b"\n"):
                content += b"\n"
            return layout, _Member(job, opened.fingerprint, content, start, size, header_lines)
    except (SourceError, Damaged, LayoutUnknown):
        return None, None


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
