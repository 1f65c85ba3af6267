"""What a query reads of a store, by DuckDB's plan: which files, and which of their columns.

A plan over stand-ins, which have no statistics, as text has none, leaves out dates alone.
A plan says of a scan how many files it reads, not which. So the view that is planned is made of
several scans, each over some dates and marked by a filter that is always true; where one reads only a part of
its files, it is cut up, and planned again.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from flowdb import sandbox
from flowdb.analyses import called_statements
from flowdb.datasets import DATASETS
from flowdb.errors import QueryError, UsageError
from flowdb.folders import LocalFolder
from flowdb.quoting import quote_name
from flowdb.rows import FileRow
from flowdb.served import Served
from flowdb.store import counts_as_records
from flowdb.views import records_query, view_statements

if TYPE_CHECKING:
    import pyarrow as pa

    from flowdb.readable import Readable
    from flowdb.rows import SourceRow

__all__ = ["Part", "Planner", "Scan", "parts_of"]

# A sandbox knows a store's files by their paths in it; where it lies, as below a=b, makes another view.
_BASE = Path("/")
_MOST_GROUPS = 16
_MARK = re.compile(r"flowdb-part-(\d+)")
_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r'"((?:[^"]|"")*)"|(\w+)')
_READS = re.compile(r"(\d+)/(\d+)")
_COLUMNS = {dataset.kind: frozenset(dataset.sql_columns) - {"date"} for dataset in DATASETS}


@dataclass(frozen=True, eq=False)
class Part:
    """The files of one date that have one schema, and the sources that brought most of their records."""

    files: tuple[FileRow, ...]
    sources: tuple[SourceRow, ...]

    @property
    def records(self) -> int:
        """How many records the files have."""
        return sum(file.records for file in self.files)

    @property
    def schema(self) -> tuple[str, int, str]:
        """The kind of the records, and the version and the further columns of their files."""
        return self.files[0].kind, self.files[0].version, self.files[0].extra

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the files may have."""
        return _COLUMNS[self.files[0].kind] | set(self.files[0].extra.split(",")) - {""}


@dataclass(frozen=True, eq=False)
class Scan:
    """A part of a store that a query reads, and the columns of it that it needs."""

    part: Part
    columns: frozenset[str]


def parts_of(store: Readable) -> list[Part]:
    """Return the parts of a store, by schema and date; every source with records is in exactly one."""
    store.catalog.complete()
    by_part: dict[tuple[str, int, str, str], list[FileRow]] = {}
    for file in store.files():
        if counts_as_records(file):
            by_part.setdefault((file.kind, file.version, file.extra, file.date), []).append(file)
    homes: dict[int, tuple[int, str]] = {}
    sources = list(store.catalog.sources())
    for path, shares in sorted(store.catalog.shares(one.source_id for one in sources).items()):
        for source_id, records in shares.items():
            if records > homes.get(source_id, (0, ""))[0]:
                homes[source_id] = records, path
    brought: dict[str, list[SourceRow]] = {}
    for source in sources:
        if source.source_id in homes:
            brought.setdefault(homes[source.source_id][1], []).append(source)
    return [
        Part(tuple(files), tuple(one for file in files for one in brought.get(file.path, ())))
        for _, files in sorted(by_part.items())
    ]


class Planner:
    """A sandbox in which queries on a store are planned; nothing is read but the ends of its files."""

    def __init__(self, store: Readable, parts: Sequence[Part], *, has_statistics: bool = True) -> None:
        self._parts = parts
        self._stand_ins: tempfile.TemporaryDirectory[str] | None = None
        self._files = {part: part.files for part in parts}
        serve, shown = store.serve, store.inside(view_statements(store.folder.base, store.files()))
        if not has_statistics:
            self._stand_ins = tempfile.TemporaryDirectory(prefix="flowdb-")
            there = Path(self._stand_ins.name).resolve()
            files, self._files = _stand_in(store, there, parts)
            folders = [*store.aside, there]
            # The views that a store is filled with name all its files; these are not planned.
            served = Served([*map(LocalFolder, folders), store.folder])
            serve, shown = served.to, sandbox.inside(folders, view_statements(there, files))
        # Athena has no sums, and does not look at a table a second time for a few rows.
        settings = ("SET disabled_optimizers = 'late_materialization'", "SET VARIABLE flowdb_rollups = false")
        self._connection = sandbox.connect(serve, store.fill, [*shown, *settings])

    def close(self) -> None:
        """Close the sandbox."""
        self._connection.close()
        if self._stand_ins is not None:
            self._stand_ins.cleanup()

    def scans(self, query: str, values: Mapping[str, object] | None = None) -> list[Scan]:
        """Return what a query reads, a part as often as it is scanned; raises `QueryError` for what is none.

        What the statistics of whole files, if they are known, show to have no row is not read.
        """
        try:
            for statement in called_statements(query):
                self._connection.execute(statement)
            kinds = [one.type.name for one in self._connection.extract_statements(query)]
            if kinds != ["SELECT"]:
                raise UsageError("what costs is one query: a SELECT")
            return list(self._scans(query, values))
        except duckdb.Error as error:
            raise QueryError(str(error), query) from error

    def _scans(self, query: str, values: Mapping[str, object] | None) -> Iterator[Scan]:
        settled: list[list[Part]] = []
        open_groups = list(_cut(self._parts))
        while open_groups:
            # Those that are settled stay, since a plan over nothing would be another one.
            groups = [*open_groups, *settled]
            found = [one for one in self._planned(query, values, groups) if one[0] < len(open_groups)]
            partial = {number for number, _, is_whole in found if not is_whole and len(groups[number]) > 1}
            for number, names, _ in found:
                if number not in partial:
                    for part in groups[number]:
                        yield Scan(part, names & part.columns)
            settled += [group for number, group in enumerate(open_groups) if number not in partial]
            open_groups = [cut for number in sorted(partial) for cut in _cut(groups[number])]

    def _planned(
        self, query: str, values: Mapping[str, object] | None, groups: Sequence[Sequence[Part]]
    ) -> Iterator[tuple[int, frozenset[str], bool]]:
        """Yield the scans of a plan: of which group, the names in it, whether it reads all files.

        A scan that reads no file is none.
        """
        for dataset in DATASETS:
            queries = []
            for number, group in enumerate(groups):
                files = [file for part in group for file in self._files[part]]
                if files[0].kind == dataset.kind:
                    records = records_query(_BASE, dataset, files)
                    queries.append(f"{records} WHERE files.filename <> 'flowdb-part-{number}'")
            view = " UNION ALL BY NAME ".join(queries) or records_query(_BASE, dataset, [])
            statement = f"CREATE OR REPLACE VIEW {quote_name(dataset.view)} AS {view}"
            self._connection.execute(*sandbox.inside([_BASE], [statement]))
        plan = self._connection.execute(f"EXPLAIN (FORMAT json) {query}", values).fetchall()[0][1]
        for node in _nodes(json.loads(plan)):
            filters = "\n".join(_listed(node.get("Filters")))
            mark = _MARK.search(filters)
            if mark is None:
                continue
            # A column that is only filtered by is named in the filter alone.
            named = _NAME.findall(_TEXT.sub("", filters))
            names = {quoted.replace('""', '"') or plain for quoted, plain in named}
            names |= {name.strip('"') for name in _listed(node.get("Projections"))}
            reads = _READS.match(node.get("Scanning Files", "1/1"))
            assert reads is not None
            if int(reads[1]):
                yield int(mark[1]), frozenset(names), reads[1] == reads[2]


def _stand_in(
    store: Readable, there: Path, parts: Iterable[Part]
) -> tuple[list[FileRow], dict[Part, tuple[FileRow, ...]]]:
    """Write a file of one row without statistics for each part, and for each kind that has no records.

    Returns all of them, and the file of each part; it has every column, as a table of text has.
    """
    import pyarrow.parquet as pq

    found: dict[Part, tuple[FileRow, ...]] = {}
    for dataset in DATASETS:
        own = [part for part in parts if part.files[0].kind == dataset.kind]
        version = max(field.version for field in dataset.fields)
        extra = sorted({name for part in own for name in part.files[0].extra.split(",")} - {""})
        schema = dataset.schema(version, tuple(extra))
        for part in own:
            row = replace(part.files[0], version=version, extra=",".join(extra))
            _write_nothing(schema, there / row.path)
            found[part] = (row,)
    kept = [row for several in found.values() for row in several]
    plain = {file.kind: file for file in store.files() if not counts_as_records(file)}
    for file in plain.values():
        # An earlier version's ledgers lie elsewhere, and stay there.
        if not os.path.isabs(file.path):
            _write_nothing(pq.read_schema(store.folder.parquet(file.path)), there / file.path)
    return [*kept, *plain.values()], found


def _write_nothing(schema: pa.Schema, path: Path) -> None:
    """Write a row of NULLs without statistics."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    fields = [one.with_nullable(True) for one in schema]
    nothing = pa.table([pa.nulls(1, one.type) for one in fields], schema=pa.schema(fields))
    pq.write_table(nothing, path, write_statistics=False)


def _cut(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Cut parts into groups of one schema each, some sixteen."""
    by_schema: dict[tuple[str, int, str], list[Part]] = {}
    for part in parts:
        by_schema.setdefault(part.schema, []).append(part)
    length = -(-len(parts) // _MOST_GROUPS)
    for several in by_schema.values():
        for start in range(0, len(several), length):
            yield several[start : start + length]


def _nodes(plan: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what a plan says of each of its steps."""
    for node in plan:
        yield node.get("extra_info", {})
        yield from _nodes(node.get("children", ()))


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(one) for one in value] if isinstance(value, list) else []
