"""Writes live files anew, without some of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flowdb.arrays import numbers
from flowdb.companions import summed_paths
from flowdb.disk import checksum
from flowdb.errors import StoreDamaged
from flowdb.rows import Change, FileRow, Written

if TYPE_CHECKING:
    from flowdb.partitions import FolderWriter
    from flowdb.store import Writer

__all__ = ["Rewriting", "check", "other_sources", "read_tables", "without_sources"]

_MEMORY = 64 << 20
_ROWS = 1 << 17


class Rewriting:
    """The files that a commit writes anew, each kind into as few as its rows ask for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._writers: dict[tuple[bool, str, bool], FolderWriter] = {}
        self._summed = summed_paths(writer.store.catalog.files())
        self._retired: list[FileRow] = []

    def keep(
        self, row: FileRow, choose: Callable[[pa.Table], pa.Table] | None, only_action: str | None = None
    ) -> None:
        """Retire a file, and write those of its rows that are chosen, or none, into another.

        `only_action` is the action that alone they have, if it is not the file's own.
        """
        self._retired.append(row)
        if choose is None:
            return
        target = self._target(row, row.only_action if only_action is None else only_action)
        target.replaces.append(row.path)
        folder = Path(row.path).parent.as_posix()
        for table in read_tables(self._writer.store.root, [row]):
            if len(kept := choose(table)):
                target.add(folder, kept)

    def finish(self, forgotten: Sequence[int] = ()) -> Change:
        """Write what waits; return the change that all this is, with the sources that are to be forgotten."""
        files: list[Written] = []
        for target in self._writers.values():
            files += target.finish()
        return Change(files=files, retired=self._retired, forgotten=forgotten)

    def _target(self, row: FileRow, only_action: str) -> FolderWriter:
        key = bool(row.is_sorted), only_action, row.path in self._summed
        if key not in self._writers:
            name = f"r{len(self._writers)}"
            self._writers[key] = self._writer.folder_writer(
                name, _MEMORY, is_sorted=key[0], only_action=only_action, are_summed=key[2]
            )
        return self._writers[key]


def without_sources(writer: Writer, source_ids: Sequence[int]) -> Change:
    """Return the change that takes sources, and all their rows, out of the store."""
    rewriting = Rewriting(writer)
    if source_ids:
        live = {row.path: row for row in writer.store.catalog.files()}
        for path, shares in sorted(writer.store.catalog.shares(source_ids).items()):
            row = live[path]
            rewriting.keep(row, None if sum(shares.values()) == row.records else other_sources(source_ids))
    return rewriting.finish(source_ids)


def read_tables(
    root: Path,
    rows: Iterable[FileRow],
    columns: Sequence[str] | None = None,
    dictionaries: Sequence[str] = (),
) -> Iterator[pa.Table]:
    """Yield the rows of files, some at a time; a file that is not whole is `StoreDamaged`.

    Columns that a file lacks are left out; some may come as `dictionaries`.
    """
    for row in rows:
        check(root, row)
        try:
            with pq.ParquetFile(root / row.path, read_dictionary=[*dictionaries]) as file:
                for batch in file.iter_batches(batch_size=_ROWS, columns=columns and [*columns]):
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowException) as error:
            raise StoreDamaged(
                str(root), f"its file {row.path} cannot be read ({error}); see: flowdb verify"
            ) from error


def check(root: Path, row: FileRow) -> None:
    """Raise `StoreDamaged` for a file that is not as it was written: its damage is not to be copied."""
    try:
        is_whole = checksum(root / row.path) == (row.bytes, row.checksum)
        reason = "is not as it was written"
    except OSError as error:
        is_whole, reason = False, f"cannot be read ({error.strerror or error})"
    if not is_whole:
        raise StoreDamaged(str(root), f"its file {row.path} {reason}; see: flowdb verify")


def other_sources(source_ids: Sequence[int]) -> Callable[[pa.Table], pa.Table]:
    """Return what chooses the rows that are of none of these sources."""
    gone = numbers(list(source_ids))

    def choose(table: pa.Table) -> pa.Table:
        return table.filter(pc.invert(pc.is_in(table["source_id"], gone)))

    return choose
