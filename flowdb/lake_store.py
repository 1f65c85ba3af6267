"""A lake as a store that is asked: its newest commit, on a disk or behind a URL."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from flowdb.datasets import DATASETS, FLOWS, dataset_of
from flowdb.errors import StoreDamaged
from flowdb.folders import Folder
from flowdb.lake import BAD_LINES, Lake, LakeFile
from flowdb.ledger import ledger_table, rows_of
from flowdb.readable import OF_A_LAKE, Readable
from flowdb.rows import FILES, QUARANTINE, SOURCES, CommitRow, FileRow, Retired, SourceRow, iso_time

__all__ = ["LakeStore"]

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
# A lake notes the commits of its sources alone.
_COMMITS = """\
CREATE OR REPLACE VIEW commits AS SELECT
    commit_id,
    'ingest' AS verb,
    NULL::TIMESTAMP AS committed_at,
    count(*) AS sources,
    sum(records)::BIGINT AS records,
    sum(bad_lines)::BIGINT AS bad_lines,
    sum(raw_bytes)::BIGINT AS raw_bytes,
    sum(size)::BIGINT AS source_bytes,
    NULL::BIGINT AS parquet_bytes,
    0::BIGINT AS removed_sources,
    0::BIGINT AS removed_records,
    0::BIGINT AS removed_bad_lines,
    max(source_id) AS last_source,
    NULL::DOUBLE AS seconds
FROM sources GROUP BY commit_id"""


class LakeStore(Readable):
    """A lake. Whether there is a newer commit is asked for before each question, with one request."""

    read_only = OF_A_LAKE

    def __init__(self, lake: Lake, folder: Folder) -> None:
        self._lake = lake
        self._made = tempfile.TemporaryDirectory(prefix="flowdb-")
        root = Path(lake.place.root) if lake.place.is_local else Path(self._made.name).resolve()
        super().__init__(lake.place.uri, root, folder)
        try:
            folder.bring_settings(root)
            self._show(lake)
        except BaseException:
            self._made.cleanup()
            raise

    @property
    def aside(self) -> list[Path]:
        """The folder of the list of files, which a lake has in its log."""
        return [Path(self._made.name).resolve()]

    @property
    def shown(self) -> tuple[int, str]:
        """What the views show: the newest commit, and the tables that are declared."""
        if self._is_overtaken():
            self._show(Lake(self._lake.place))
        return super().shown

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths, and the list of them."""
        return [*super().files(), self._list]

    def view_statements(self) -> list[str]:
        """Return the statements that make the views of the newest commit, or replace those of another."""
        return [*super().view_statements(), _COMMITS]

    def statements(self) -> list[str]:
        """Return the statements that show the store in an empty DuckDB database."""
        return [*super().statements(), _COMMITS]

    def close(self) -> None:
        """Let go of it."""
        self.folder.close()
        self._made.cleanup()

    def _is_overtaken(self) -> bool:
        """Tell whether the lake has a commit that follows the one that is shown."""
        place, next_one = self._lake.place, _log_name(self._lake.version + 1)
        with place.told():
            try:
                place.storage.cat_file(place.path(FLOWS.view, "_delta_log", next_one), start=0, end=1)
            except FileNotFoundError:
                return False
            return True

    def _show(self, lake: Lake) -> None:
        """Have the views show a commit, whose files are listed for them."""
        import pyarrow.parquet as pq

        self._lake = lake
        self.catalog = _LakeCatalog(lake)
        files = self.catalog.files()
        self.folder.know({row.path: row.bytes for row in files})
        path = self.aside[0] / f"{lake.version}-{FILES}.parquet"
        pq.write_table(ledger_table(FILES, files), path)
        self._list = _row(lake, FILES, LakeFile(FILES, "", path.stat().st_size, len(files)), str(path))


class _LakeCatalog:
    """What a lake's log and ledger say, as the catalogue of a store says it."""

    is_old = False

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._files: list[FileRow] = []
        for dataset in DATASETS:
            extra = ",".join(lake.extra(dataset.view))  # noqa: S610 -- it is not Django's
            for file in lake.files(dataset.view):
                self._files.append(_row(lake, dataset.kind, file, extra=extra))
        for name, kind in ((SOURCES, SOURCES), (BAD_LINES, QUARANTINE)):
            self._files += [_row(lake, kind, file) for file in lake.files(name)]
        self._files.sort(key=lambda row: row.path)

    @property
    def last_commit(self) -> int:
        """The newest commit."""
        return self._lake.version

    def complete(self) -> None:
        """Nothing is missing."""

    def snapshot(self) -> AbstractContextManager[None]:
        """All is of one commit already."""
        return nullcontext()

    def files(self) -> list[FileRow]:
        """Return the live files, in the order of their paths."""
        return list(self._files)

    def sources(self) -> Iterator[SourceRow]:
        """Yield the sources, in the order of their ids."""
        yield from rows_of(SOURCES, self._lake.read(SOURCES).sort_by("source_id"))

    def commits(self) -> Iterator[CommitRow]:
        """Yield the commits that brought sources, oldest first; only the last has a time."""
        found: dict[int, CommitRow] = {}
        for one in self.sources():
            nothing = CommitRow(one.commit_id, "ingest", "", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)
            row = found.get(one.commit_id, nothing)
            found[one.commit_id] = replace(
                row,
                sources=row.sources + 1,
                records=row.records + one.records,
                bad_lines=row.bad_lines + one.bad_lines,
                raw_bytes=row.raw_bytes + one.raw_bytes,
                source_bytes=row.source_bytes + one.size,
                last_source=max(row.last_source, one.source_id),
            )
        if found:
            last = max(found)
            found[last] = replace(found[last], committed_at=self._last_at())
        yield from (row for _, row in sorted(found.items()))

    def _last_at(self) -> str:
        """Return when the newest commit was made, as its part of the log says; empty if that says nothing."""
        place = self._lake.place
        with place.told():
            text = place.storage.cat_file(place.path(FLOWS.view, "_delta_log", _log_name(self._lake.version)))
            for line in text.splitlines():
                if moment := json.loads(line).get("commitInfo", {}).get("timestamp"):
                    return iso_time(moment)
        return ""

    def retired(self) -> list[Retired]:
        """Return nothing: what a lake has no more is left to its own tools."""
        return []

    def size_of_sources(self) -> tuple[int, int, int]:
        """Return how many sources there are, their bytes of text, and their bytes as delivered."""
        import pyarrow.compute as pc

        found = self._lake.read(SOURCES, ["raw_bytes", "size"])
        return len(found), pc.sum(found["raw_bytes"]).as_py() or 0, pc.sum(found["size"]).as_py() or 0

    def shares(self, source_ids: Iterable[int]) -> dict[str, dict[int, int]]:
        """Return for each source a file of the date that it begins on: which ones have it nobody noted."""
        wanted = set(source_ids)
        homes = {(row.kind, row.date): row.path for row in reversed(self._files)}
        found: dict[str, dict[int, int]] = {}
        for one in self.sources():
            home = dataset_of(one.layout.split()).kind, (one.first_start or one.delivered)[:10]
            if one.source_id in wanted and one.records and home in homes:
                found.setdefault(homes[home], {})[one.source_id] = one.records
        return found


def _log_name(version: int) -> str:
    return f"{version:020}.json"


def _row(lake: Lake, kind: str, file: LakeFile, path: str = "", extra: str = "") -> FileRow:
    """Return a file of the lake as a catalogue has it; raises `StoreDamaged` for one that lies elsewhere."""
    _check(lake, file)
    return FileRow(
        path=path or f"{file.table}/{file.path}",
        kind=kind,
        date=file.partition.get("date") or "",
        version=0,
        extra=extra,
        records=file.records,
        bytes=file.bytes,
        checksum="",
        first_start=file.first_start,
        last_start=file.last_start,
        is_sorted=False,
        only_action="",
        commit_id=lake.version,
    )


def _check(lake: Lake, file: LakeFile) -> None:
    """Raise `StoreDamaged` for a file that does not lie where its partition says, or not in the lake."""
    folders = [part.partition("=")[::2] for part in file.path.split("/")[:-1]]
    named = {name: None if value == _NO_VALUE else unquote(value) for name, value in folders}
    if named != dict(file.partition):
        raise StoreDamaged(
            lake.place.uri, f"its file {file.path} does not lie in the folder of its partition"
        )
