"""Tells what is wrong with a store, and mends what can be mended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowdb.catalog import Catalog
from flowdb.companions import HOURLY, owner_of
from flowdb.datasets import DATASETS
from flowdb.disk import checksum
from flowdb.errors import NotAStore, StoreError, StoreMissing, StoreReadOnly, StoreTooNew, plural
from flowdb.generated import GENERATED, Generated
from flowdb.ledger import LEDGER_FOLDER, LEDGERS, ledger_rows
from flowdb.lock import is_held, os_errors
from flowdb.meter import Meter
from flowdb.own_tables import TABLES, read_tables
from flowdb.repair import NAMELESS, Finding, mend
from flowdb.rows import COMMITS, FILES, QUARANTINE, SOURCES, FileRow, SourceRow
from flowdb.store import CATALOG, Store, counts_as_records, data_folders, is_lake, written_by
from flowdb.urls import is_url

__all__ = ["VerifyReport", "verify"]


@dataclass(slots=True)
class VerifyReport:
    """What was checked, and what was found; `repaired` says what was mended."""

    files: int = 0
    records: int = 0
    bytes: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def facts(self) -> dict[str, object]:
        """Return the numbers, and the findings, by name."""
        return {
            "files": self.files,
            "records": self.records,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "findings": [
                {"kind": one.kind, "path": one.path, "problem": one.problem, "remedy": one.remedy}
                for one in self.findings
            ],
            "repaired": self.repaired,
        }


_CATALOGUE = {"catalogue", "sums"}
_FILES = {"missing", "damaged", "ledger", "rollup", "leftover", "generated"}


def verify(
    root: Path | str, *, repair: bool = False, watch: Callable[[Meter], None] | None = None
) -> VerifyReport:
    """Check a store whole: its catalogue, every file's bytes, its ledgers, its generated file.

    With `repair`, mend what can be mended, and check again: what is left is in the findings.
    The catalogue is made anew from the ledgers, or from the data files themselves; ledgers and
    `flowdb.duckdb` from the catalogue. A damaged data file is set aside, and the sources that
    had rows in it are read again by the next ingest that meets them.
    """
    started = time.perf_counter()
    if is_url(str(root)):
        from flowdb.remote import shown

        raise StoreReadOnly(shown(str(root)), "it is behind a URL; verify is for a store on a disk")
    root = Path(root)
    with os_errors(root, "used"):
        if is_lake(root):
            raise StoreReadOnly(str(root), "it is a lake; verify is for a store on a disk")
        if not root.is_dir():
            raise StoreMissing(str(root))
        if not (root / CATALOG).exists() and not any((root / one.folder).is_dir() for one in DATASETS):
            raise NotAStore(str(root), "there is no flowdb store in this directory")
    report = _checked(root, watch)
    done: list[str] = []
    # What is wrong with the files is known when the catalogue is right.
    for kinds in (_CATALOGUE, _FILES) if repair else ():
        if wrong := [one for one in report.findings if one.kind in kinds]:
            done += mend(root, wrong)
            report = _checked(root, watch)
    report.repaired = done
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _checked(root: Path, watch: Callable[[Meter], None] | None) -> VerifyReport:
    report = VerifyReport()
    try:
        store = Store(root)
    except NotAStore:
        raise
    except StoreError as error:
        finding = Finding("catalogue", CATALOG, error.reason, "--repair makes it anew from the files")
        if isinstance(error, StoreTooNew):
            finding = Finding("version", CATALOG, error.reason, "use a newer flowdb")
        report.findings.append(finding)
        return report
    try:
        with os_errors(root, "read"):
            report.findings += _check_catalogue(store.catalog)
            if not report.findings:
                report.findings += _check_files(store, report, watch)
                report.findings += _check_rollups(store, report.findings)
                report.findings += _check_sums(store.catalog)
                report.findings += _check_ledgers(store)
                report.findings += _check_sources(store.catalog)
                report.findings += _check_unknown(store)
                report.findings += _check_tables(store.root)
                report.findings += _check_generated(store, is_whole=not report.findings)
    finally:
        store.close()
    return report


def _check_catalogue(catalog: Catalog) -> Iterator[Finding]:
    remedy = "--repair makes it anew from the files"
    try:
        for problem in catalog.check():
            yield Finding("catalogue", CATALOG, problem, remedy)
    except StoreError as error:
        yield Finding("catalogue", CATALOG, error.reason, remedy)


def _check_files(store: Store, report: VerifyReport, watch: Callable[[Meter], None] | None) -> list[Finding]:
    files = store.catalog.files()
    meter = Meter()
    meter.total_bytes = sum(row.bytes for row in files)
    problems: list[tuple[FileRow, str]] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for row, problem in zip(files, pool.map(lambda row: _problem(store.root, row), files), strict=True):
            if problem:
                problems.append((row, problem))
            meter.add(row.bytes, row.records)
            if watch is not None:
                watch(meter)
    report.files = len(files)
    report.bytes = meter.total_bytes
    report.records = sum(row.records for row in files if counts_as_records(row))
    # A writer may have retired a file, and removed it, since the list was read.
    live = {row.path for row in store.catalog.files()} if problems else set()
    return [
        Finding(_kind(row, problem), row.path, problem, _remedy(row))
        for row, problem in problems
        if row.path in live
    ]


def _kind(row: FileRow, problem: str) -> str:
    if row.kind == HOURLY:
        return "rollup"
    return "missing" if problem == _MISSING else "ledger" if row.kind in LEDGERS else "damaged"


def _remedy(row: FileRow) -> str:
    if row.kind in LEDGERS:
        return _WRITTEN_ANEW
    if row.kind == HOURLY:
        return _SUMMED_ANEW
    return f"--repair sets it aside; ingest the sources of its {plural(row.records, 'record')} again"


_MISSING = "it is not there"
_WRITTEN_ANEW = "--repair writes it anew from the catalogue"
_SUMMED_ANEW = "--repair makes it anew of the records"


def _problem(root: Path, row: FileRow) -> str:
    """Return what is wrong with a file, or nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = root / row.path
    try:
        size, digest = checksum(path)
    except FileNotFoundError:
        return _MISSING
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    if size != row.bytes:
        return f"it has {size:,} bytes, and was written with {row.bytes:,}"
    if digest != row.checksum:
        return "its bytes are not those that were written"
    try:
        with pq.ParquetFile(path) as file:
            records = file.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        return f"it is no Parquet file ({error})"
    if records != row.records:
        return f"it has {plural(records, 'row')}, and the catalogue says {row.records:,}"
    return ""


def _check_rollups(store: Store, found: Iterable[Finding]) -> list[Finding]:
    """Find hourly sums that are not those of their records, of files with which nothing is wrong yet."""
    from flowdb.rollups import has_its_sums

    wrong = {one.path for one in found}
    files = {row.path: row for row in store.catalog.files() if row.path not in wrong}
    pairs = [
        (files[owner_of(row.path)], row)
        for row in files.values()
        if row.kind == HOURLY and owner_of(row.path) in files
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        are_right = [*pool.map(lambda pair: has_its_sums(store.root, *pair), pairs)]
    live = {row.path for row in store.catalog.files()} if not all(are_right) else set()
    return [
        Finding("rollup", row.path, "its sums are not those of its records", _SUMMED_ANEW)
        for (_, row), is_right in zip(pairs, are_right, strict=True)
        if not is_right and row.path in live
    ]


def _check_sums(catalog: Catalog) -> Iterator[Finding]:
    """Find rows that no commit accounts for: what came, less what went, is what is there."""
    with catalog.snapshot():
        files, commits = catalog.files(), list(catalog.commits())
        rows, sources = catalog.rows_of_sources(), catalog.size_of_sources()[0]
        has_ledgers = catalog.has_ledgers
    if not has_ledgers and not catalog.is_old:
        yield Finding("ledger", LEDGER_FOLDER, "the ledgers are missing", _WRITTEN_ANEW)
    if not has_ledgers or not commits:
        return
    records = sum(row.records for row in files if counts_as_records(row))
    bad_lines = sum(row.records for row in files if row.kind == QUARANTINE)
    counted = {
        "records": (records, sum(one.records - one.removed_records for one in commits)),
        "bad lines": (bad_lines, sum(one.bad_lines - one.removed_bad_lines for one in commits)),
        "rows of sources": (rows, records + bad_lines),
        "sources in the ledger": (_rows(files, SOURCES), sources),
        "commits in the ledger": (_rows(files, COMMITS), len(commits)),
    }
    for name, (found, expected) in counted.items():
        if found != expected:
            problem = f"{found:,} {name}, where {expected:,} are expected"
            yield Finding("sums", CATALOG, problem, "--repair makes it anew from the files")


def _check_ledgers(store: Store) -> Iterator[Finding]:
    """Find ledgers that say something else than the catalogue; one that cannot be read is found elsewhere."""
    import pyarrow as pa

    with store.catalog.snapshot():
        files = store.catalog.files()
        rows: dict[str, list[Any]] = {
            SOURCES: list(store.catalog.sources()),
            COMMITS: list(store.catalog.commits()),
            FILES: [row for row in files if row.kind != FILES],
        }
    for kind, expected in rows.items():
        paths = [store.root / row.path for row in files if row.kind == kind]
        try:
            found = [row for path in paths for row in ledger_rows(kind, path)]
        except (OSError, pa.ArrowException, KeyError, ValueError):
            continue
        if paths and _comparable(found) != _comparable(expected):
            problem = f"its {kind} are not those of the ledger"
            yield Finding("sums", CATALOG, problem, "--repair makes it anew from the files")


def _comparable(rows: Iterable[Any]) -> set[Any]:
    """Return rows without the time of a source's last change, which alone is noted without a commit."""
    return {replace(row, modified=0) if isinstance(row, SourceRow) else row for row in rows}


def _rows(files: Iterable[FileRow], kind: str) -> int:
    return sum(row.records for row in files if row.kind == kind)


def _check_sources(catalog: Catalog) -> Iterator[Finding]:
    """Find sources that a repair left without some of their rows."""
    for nameless, problem, remedy in (
        (False, "it lost rows to damage", "ingest it again, or forget it"),
        (True, "its name is lost", "forget it before its log is ingested again"),
    ):
        rows = [
            row
            for row in catalog.sources()
            if not row.fingerprint and row.uri.startswith(NAMELESS) == nameless
        ]
        if rows:
            others = f", like {plural(len(rows) - 1, 'other source')}" if len(rows) > 1 else ""
            yield Finding("lost", rows[0].uri, f"{problem}{others}", remedy)


def _check_unknown(store: Store) -> Iterator[Finding]:
    """Find files that no commit has: what a writer that died left, and what somebody put there."""
    # In this order, while somebody may write: what lies there is in a commit by then, or gone.
    lying = list(_lying(store.root))
    is_written = is_held(store.root)
    catalog = store.catalog
    with catalog.snapshot():
        known = {row.path for row in catalog.files()} | {row.path for row in catalog.retired()}
        last = catalog.last_commit
    for path in lying:
        name = path.relative_to(store.root).as_posix()
        commit = written_by(path)
        if name in known or (commit is not None and commit > last and is_written) or not path.exists():
            continue
        if catalog.is_old and name.startswith(f"{LEDGER_FOLDER}/"):
            continue
        if commit is not None and commit > last:
            yield Finding(
                "leftover", name, "a writer that died left it", "--repair, or the next writer, removes it"
            )
        else:
            yield Finding("unknown", name, "no commit has it", "it is not shown; move it elsewhere")


def _lying(root: Path) -> Iterable[Path]:
    for folder in (root / LEDGER_FOLDER, *data_folders(root)):
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if path.name != "generation.json")


def _check_tables(root: Path) -> Iterator[Finding]:
    """Find a file of declared tables that cannot be read."""
    try:
        read_tables(root)
    except StoreError as error:
        yield Finding("tables", TABLES, error.reason, "move it away, and declare the tables again")


def _check_generated(store: Store, *, is_whole: bool) -> Iterator[Finding]:
    if not store.catalog.has_ledgers or not store.catalog.last_commit:
        return
    remedy = "--repair, or the next flowdb command that may write, makes it anew"
    generated = Generated(store.root)
    commit = store.catalog.last_commit
    if generated.was_moved(commit):
        store.refresh()
    if not generated.shows(commit):
        # Between a commit and its generated file there is a moment.
        if not is_held(store.root) and not generated.shows(commit) and store.catalog.last_commit == commit:
            yield Finding("generated", GENERATED, "it does not show the newest commit", remedy)
    elif is_whole and (problem := generated.problem(store.files())):
        with suppress(StoreError):
            if store.catalog.last_commit == commit:
                yield Finding("generated", GENERATED, problem, remedy)
