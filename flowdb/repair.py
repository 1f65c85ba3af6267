"""Mends a store: catalogue, ledgers, files that are gone, what dead writers left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowdb.catalog import Catalog
from flowdb.companions import HOURLY, orphans, owner_of
from flowdb.disk import sync_folder, sync_new_folder
from flowdb.errors import plural
from flowdb.faults import reached
from flowdb.ledger import LEDGER_FOLDER, LEDGERS, ledger_rows
from flowdb.lock import locked, os_errors
from flowdb.rollups import sums_of
from flowdb.rows import (
    COMMITS,
    FILES,
    QUARANTINE,
    SOURCES,
    Change,
    CommitRow,
    FileRow,
    Retired,
    SourceRow,
    Written,
    iso_time,
)
from flowdb.store import CATALOG, Store, Writer, counts_as_records, data_folders, written_by

__all__ = ["NAMELESS", "SET_ASIDE", "Finding", "mend"]

SET_ASIDE = "damaged"
"""The folder, in a store, of files that were damaged."""
_MADE = {*LEDGERS, HOURLY}  # of what else is there
NAMELESS = "lost:"
"""How the URIs begin that sources are given whose names are lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: the kind of it, where, and what; `remedy` is what can be done."""

    kind: str
    path: str
    problem: str
    remedy: str


def mend(root: Path, findings: Sequence[Finding]) -> list[str]:
    """Mend what was found, as one commit; return a sentence for each thing done."""
    done: list[str] = []
    kinds = {one.kind for one in findings}
    if kinds & {"catalogue", "sums"}:
        with locked(root, "repair"), os_errors(root):
            done += _make_catalogue(root)
    store = Store(root)
    try:
        with store.writer("repair") as writer:
            if "leftover" in kinds:
                store.sweep()
                done.append("what a dead writer left is removed")
            paths = {one.path for one in findings if one.kind in ("missing", "damaged", "ledger", "rollup")}
            change = _without(writer, paths)
            if change.retired:
                _set_aside(root, [row for row in change.retired if row.path in paths])
                writer.commit(change, time.perf_counter())
                done += _said(change)
            else:
                store.generate()
            done.append("flowdb.duckdb is made anew")
    finally:
        store.close()
    return done


def _without(writer: Writer, paths: set[str]) -> Change:
    """Return the change that takes files out.

    Ledgers are written whole where one of theirs is among them, hourly sums anew of their data files.
    """
    store = writer.store
    live = store.catalog.files()
    chosen = [row for row in live if row.path in paths]
    owners = {owner_of(row.path) for row in chosen if row.kind == HOURLY} - paths
    ledgers = {row.kind for row in chosen if row.kind in LEDGERS}
    lost = {source_id for row in chosen for source_id in store.catalog.shares_of(row.path)}
    return Change(
        files=sums_of(writer, [row for row in live if row.path in owners]),
        retired=[
            *(row for row in chosen if row.kind not in LEDGERS),
            *(row for row in live if row.kind in ledgers),
        ],
        # Without a fingerprint it is read again by the next ingest that meets it.
        amended=[replace(row, fingerprint="") for row in store.catalog.sources() if row.source_id in lost],
    )


def _said(change: Change) -> list[str]:
    said = []
    if data := [row for row in change.retired if row.kind not in _MADE]:
        rows = plural(sum(row.records for row in data), "row")
        sources = plural(len(change.amended), "source")
        said.append(f"{plural(len(data), 'file')} with {rows} taken out; {sources} to be ingested again")
    if any(row.kind in LEDGERS for row in change.retired):
        said.append("the ledgers are written anew")
    if change.files:
        said.append(f"the hourly sums of {plural(len(change.files), 'file')} are made anew")
    return said


def _set_aside(root: Path, rows: Iterable[FileRow]) -> None:
    """Move damaged files, from which somebody may still want to save something, out of the way."""
    for row in rows:
        if (root / row.path).exists() and row.kind not in _MADE:
            _move_aside(root, root / row.path)


def _move_aside(root: Path, path: Path) -> None:
    folder = root / SET_ASIDE
    sync_new_folder(folder)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.name}.{number}"
    os.replace(path, target)
    sync_folder(folder)
    sync_folder(path.parent)
    reached("repair.aside")


def _make_catalogue(root: Path) -> list[str]:
    """Make the catalogue anew of the ledgers and the files; what there was of one is set aside."""
    found = _Found(root)
    new = root / f"{CATALOG}.new"
    new.unlink(missing_ok=True)
    Catalog.create(new)
    catalog = Catalog(new)
    try:
        catalog.fill(found.commits, found.sources, found.files, found.retired)
    finally:
        catalog.close()
    reached("repair.catalog")
    for name in (CATALOG, f"{CATALOG}-journal"):
        if (root / name).exists():
            _move_aside(root, root / name)
    os.replace(new, root / CATALOG)
    _set_aside(root, found.lost)
    records = plural(sum(one.row.records for one in found.files if counts_as_records(one.row)), "record")
    return [f"the catalogue is made anew: {records}, {plural(len(found.sources), 'source')}", *found.said]


class _Found:
    """What the files of a store say that its catalogue is.

    The newest list of files says which are live; without one every file is that no other
    replaces. A source that no ledger has any more gets a name of its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.said: list[str] = []
        self.files: list[Written] = []
        self.lost: list[FileRow] = []
        listed, last = self._listed()
        self.commits = sorted(self._rows(COMMITS, listed), key=lambda row: row.commit_id)
        if listed is None and self.commits:
            last = self.commits[-1].commit_id
        self._read_files(listed, last)
        self.sources = self._known_sources(listed)
        paths = {one.row.path for one in self.files}
        now = iso_time(time.time() * 1000)
        self.retired = [
            Retired(name, path.stat().st_size, now, commit)
            for path, name, commit in self._lying()
            if name not in paths
        ]
        self.commits.append(self._balance(last or 0))

    def _listed(self) -> tuple[list[FileRow] | None, int | None]:
        """Return the files that the newest list of files has, and its commit."""
        lists = sorted(
            (self._root / LEDGER_FOLDER).glob(f"*-{FILES}.parquet"), key=lambda path: written_by(path) or 0
        )
        commits = (self._root / LEDGER_FOLDER).glob(f"*-{COMMITS}.parquet")
        newest = max((written_by(path) or 0 for path in commits), default=0)
        # An older list than the ledger of commits is not that of the newest commit.
        if lists and (written_by(lists[-1]) or 0) >= newest and (rows := _read(FILES, lists[-1])) is not None:
            return rows, written_by(lists[-1])
        self.said.append("the list of files is lost: every file is taken that no other replaces")
        self.said.append("rows may be back that were forgotten, pruned or replaced a short while ago")
        return None, None

    def _rows(self, kind: str, listed: list[FileRow] | None) -> list[Any]:
        """Return the rows of a ledger, those that the newest list of files has or all that there are."""
        if listed is not None:
            paths = [self._root / row.path for row in listed if row.kind == kind]
        else:
            paths = sorted((self._root / LEDGER_FOLDER).glob(f"*-{kind}.parquet"))
        rows: dict[int, Any] = {}
        for path in paths:
            found = _read(kind, path)
            if found is None:
                self.said.append(f"{path.name} is lost")
            for row in found or ():
                rows[row.source_id if kind == SOURCES else row.commit_id] = row
        return list(rows.values())

    def _read_files(self, listed: list[FileRow] | None, last: int | None) -> None:
        import pyarrow as pa

        from flowdb.contents import contents, described

        if listed is not None:
            rows = [row for row in listed if row.kind not in LEDGERS]
        else:
            replaced: set[str] = set()
            rows = []
            for _, name, commit in self._lying():
                if not name.startswith(f"{LEDGER_FOLDER}/") and (last is None or commit <= last):
                    try:
                        row, replaces = described(self._root, name)
                    except (OSError, pa.ArrowException, KeyError, ValueError):
                        self.said.append(f"{name} cannot be read")
                        continue
                    rows.append(row)
                    replaced.update(replaces)
            rows = [row for row in rows if row.path not in replaced]
        lonely = orphans(rows)
        for row in (row for row in rows if row not in lonely):
            try:
                self.files.append(Written(row, contents(self._root / row.path)[0]))
            except (OSError, pa.ArrowException):
                if row.kind == HOURLY:
                    self.said.append(f"{row.path} is lost; flowdb compact makes these sums anew")
                else:
                    self.lost.append(row)
                    self.said.append(f"{row.path} with {plural(row.records, 'row')} is lost")

    def _known_sources(self, listed: list[FileRow] | None) -> list[SourceRow]:
        by_uri = {row.uri: row for row in sorted(self._rows(SOURCES, listed), key=lambda row: row.source_id)}
        known = {row.source_id for row in by_uri.values()}
        records: dict[int, int] = {}
        for one in self.files:
            for source_id, count in one.shares.items():
                records[source_id] = records.get(source_id, 0) + count
        lost = sorted(records.keys() - known)
        if lost:
            self.said.append(
                f"the names of {plural(len(lost), 'source')} are lost: if ingested again, they are new"
            )
        by_uri = {
            uri: replace(row, fingerprint="") if self._has_lost(row, records) else row
            for uri, row in by_uri.items()
        }
        nameless = [_nameless(source_id, records[source_id]) for source_id in lost]
        return sorted([*by_uri.values(), *nameless], key=lambda row: row.source_id)

    def _has_lost(self, row: SourceRow, records: dict[int, int]) -> bool:
        """Tell whether rows of a source were in a file that is lost, as far as dates and counts tell."""
        if records.get(row.source_id, 0) >= row.records + row.bad_lines:
            return False
        first, last = (row.first_start or "")[:10], (row.last_start or "9")[:10]
        return any(
            file.commit_id >= row.commit_id and (not file.date or first <= file.date <= last)
            for file in self.lost
        )

    def _lying(self) -> Iterable[tuple[Path, str, int]]:
        """Return the files that a writer wrote: their paths, those inside the store, their commits."""
        for folder in (self._root / LEDGER_FOLDER, *data_folders(self._root)):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                commit = written_by(path)
                if commit is not None:
                    yield path, path.relative_to(self._root).as_posix(), commit

    def _balance(self, last: int) -> CommitRow:
        """Return a commit that accounts for what the others do not."""
        last = max(
            [last, *(one.row.commit_id for one in self.files), *(row.commit_id for row in self.commits)]
        )
        records = sum(one.row.records for one in self.files if counts_as_records(one.row))
        bad = sum(one.row.records for one in self.files if one.row.kind == QUARANTINE)
        more = records - sum(row.records - row.removed_records for row in self.commits)
        more_bad = bad - sum(row.bad_lines - row.removed_bad_lines for row in self.commits)
        return CommitRow(
            commit_id=last + 1,
            verb="repair",
            committed_at=iso_time(time.time() * 1000),
            sources=0,
            records=max(more, 0),
            bad_lines=max(more_bad, 0),
            raw_bytes=0,
            source_bytes=0,
            parquet_bytes=0,
            removed_sources=0,
            removed_records=max(-more, 0),
            removed_bad_lines=max(-more_bad, 0),
            last_source=max(
                [0, *(row.source_id for row in self.sources), *(row.last_source for row in self.commits)]
            ),
            seconds=0.0,
        )


def _read(kind: str, path: Path) -> list[Any] | None:
    import pyarrow as pa

    try:
        return ledger_rows(kind, path)
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


def _nameless(source_id: int, records: int) -> SourceRow:
    name = f"{NAMELESS}{source_id}"
    start = iso_time(0)
    return SourceRow(source_id, name, name, 0, 0, start, "", "", records, records, 0, 0, None, None, 0)
