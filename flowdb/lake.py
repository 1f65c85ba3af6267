"""A lake: the store that a cluster writes, four Delta tables at one place, of which one tells what is true.

    flows/       records, by date; its log also says which versions of the other tables belong to it
    tgw_flows/   records of transit gateways, by date
    sources/     the ledger of sources
    bad_lines/   lines that were no records
    staged/      receipts of tasks that ended, and that no commit has yet

What lies in the other tables beyond the versions that `flows` names is of a run that died.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from flowdb.datasets import FLOWS, TGW, Dataset
from flowdb.errors import NotAStore, StoreError, StoreMissing, StoreOvertaken, StoreTooNew, UsageError
from flowdb.extras import require
from flowdb.faults import reached
from flowdb.lake_place import LakePlace
from flowdb.rows import SOURCES, SourceRow

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable
    from deltalake.transaction import RemoveAction

__all__ = ["BAD_LINES", "PARTITIONS", "STAGED", "Lake", "LakeFile", "create_lake", "find_lake", "open_lake"]

BAD_LINES = "bad_lines"
STAGED = "staged"
PARTITIONS = ("date", "region", "account_id")
"""The columns by which the records of a lake can be partitioned; the first one always is."""
_BESIDE = (TGW.view, SOURCES, BAD_LINES)
_VERSION = 1
_VERSION_KEY = "flowdb.lake"
_LOG = "_delta_log"
# Of what a table may ask of its readers, this changes nothing of which rows its files hold.
_FEATURES = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"}


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A Parquet file of a table of the lake: its path inside the table's folder, and what it holds.

    `partition` are the values of the columns by which the table is partitioned, as text. `first_start`
    and `last_start` are the bounds of `start_time`, UTC in ISO 8601, where they are known.
    """

    table: str
    path: str
    bytes: int
    records: int
    partition: Mapping[str, str | None] = field(default_factory=dict)
    first_start: str | None = None
    last_start: str | None = None


def find_lake(location: str | os.PathLike[str], storage: Mapping[str, object] | None = None) -> Lake | None:
    """Return the lake at a location, or None where nothing is there.

    Raises `NotAStore` where there is something else.
    """
    require("a lake", "lake", "deltalake")
    place = LakePlace(location, storage)
    names = set(place.names())
    if FLOWS.view in names and _LOG in place.names(FLOWS.view):
        return Lake(place)
    if not names:
        return None
    if "catalog.sqlite" in names:
        raise NotAStore(
            place.uri, "this is a store of one machine; a cluster writes to a lake, at a place of its own"
        )
    if _LOG in names:
        raise NotAStore(place.uri, "this is a Delta table, and no lake of flowdb")
    # Whoever made a lake may have died before the last of its tables was there.
    begun = names.issubset(_BESIDE) and all(_LOG in place.names(name) for name in names)
    if not begun:
        raise NotAStore(place.uri, "the folder is not empty and is no lake of flowdb")
    return None


def open_lake(location: str | os.PathLike[str], storage: Mapping[str, object] | None = None) -> Lake:
    """Return the lake at a location; raises `StoreMissing` where nothing is there."""
    lake = find_lake(location, storage)
    if lake is None:
        raise StoreMissing(LakePlace(location, storage).uri, "no lake here; flowdb.spark.ingest makes one")
    return lake


def create_lake(
    location: str | os.PathLike[str],
    storage: Mapping[str, object] | None = None,
    partition_by: Sequence[str] = PARTITIONS[:1],
) -> Lake:
    """Return a new lake without records, or the one that is there, if it is partitioned in the same way."""
    _check_partitions(partition_by)
    lake = find_lake(location, storage)
    if lake is None:
        place = LakePlace(location, storage)
        with place.told():
            _create(place, list(partition_by))
        lake = Lake(place)
    if lake.partition_by != tuple(partition_by):
        columns = ", ".join(lake.partition_by)
        raise UsageError(f"{lake.place.uri}: the lake is partitioned by {columns}, and stays so")
    return lake


def _check_partitions(columns: Sequence[str]) -> None:
    if (
        tuple(columns[:1]) != PARTITIONS[:1]
        or not set(columns) <= set(PARTITIONS)
        or len(set(columns)) < len(columns)
    ):
        raise UsageError("a lake is partitioned by date, and after it by region, account_id or both")


def _create(place: LakePlace, partition_by: list[str]) -> None:
    """Make the tables of a lake, those first that the last one names."""
    from deltalake import CommitProperties, DeltaTable, Schema
    from deltalake.exceptions import DeltaError

    from flowdb.ledger import ledger_table
    from flowdb.partitions import QUARANTINE_SCHEMA

    tables = {
        BAD_LINES: (QUARANTINE_SCHEMA, []),
        SOURCES: (ledger_table(SOURCES, []).schema, []),
        TGW.view: (_columns(TGW), partition_by),
        FLOWS.view: (_columns(FLOWS), partition_by),
    }
    for name, (schema, columns) in tables.items():
        uri, options = place.delta(name)
        first = (
            CommitProperties(app_transactions=_named(dict.fromkeys(_BESIDE, 0)))
            if name == FLOWS.view
            else None
        )
        try:
            DeltaTable.create(
                uri,
                Schema.from_arrow(schema),
                "error" if name == FLOWS.view else "ignore",
                columns,
                configuration={_VERSION_KEY: str(_VERSION)},
                storage_options=options,
                commit_properties=first,
                raise_if_key_not_exists=False,
            )
        except DeltaError:
            # Another run may have made it at the same time.
            if not DeltaTable.is_deltatable(uri, options):
                raise
        reached("lake.created")


def _columns(dataset: Dataset) -> pa.Schema:
    """Return the columns of a table of records; Delta Lake has times in microseconds alone."""
    import pyarrow as pa

    schema = dataset.schema(max(one.version for one in dataset.fields))
    columns = [
        pa.field(one.name, pa.timestamp("us")) if pa.types.is_timestamp(one.type) else one for one in schema
    ]
    return pa.schema([pa.field("date", pa.date32()), *columns])


def _named(versions: Mapping[str, int]) -> list[Any]:
    """Return what the log of `flows` says of the other tables' versions."""
    from deltalake import Transaction

    return [Transaction(f"flowdb.{name}", version) for name, version in versions.items()]


class Lake:
    """A lake as of one commit: `version` is that of `flows`, `versions` are those of all tables by name."""

    def __init__(self, place: LakePlace) -> None:
        self.place = place
        with place.told():
            flows = self._table(FLOWS.view)
            found = flows.metadata()
            version = found.configuration.get(_VERSION_KEY)
            if version is None:
                raise NotAStore(place.uri, f"{FLOWS.view} in it is a Delta table that flowdb did not make")
            if not version.isdecimal() or int(version) > _VERSION:
                raise StoreTooNew(place.uri, int(version) if version.isdecimal() else -1, _VERSION)
            features = set(flows.protocol().reader_features or ())
            if unknown := features - _FEATURES:
                raise StoreError(
                    place.uri, f"it uses what flowdb does not read: {', '.join(sorted(unknown))}"
                )
            self.partition_by: tuple[str, ...] = tuple(found.partition_columns)
            self.version: int = flows.version()
            self.versions: dict[str, int] = {FLOWS.view: self.version, **_versions(flows)}
        self._opened: dict[str, DeltaTable] = {FLOWS.view: flows}

    def table(self, name: str) -> DeltaTable:
        """Return a table of the lake, as of its commit."""
        if name not in self._opened:
            with self.place.told():
                self._opened[name] = self._table(name, self.versions[name])
        return self._opened[name]

    def columns(self, name: str) -> pa.Schema:
        """Return the columns of a table, with the types that Delta Lake has for them."""
        import pyarrow as pa

        return pa.schema(self.table(name).schema().to_arrow())

    def extra(self, name: str) -> tuple[str, ...]:
        """Return the columns of records that no version of AWS's formats has, in order of their names."""
        dataset = FLOWS if name == FLOWS.view else TGW
        known = {"date", "source_id", *(one.column for one in dataset.fields)}
        return tuple(sorted(set(self.columns(name).names) - known))

    def files(self, name: str) -> list[LakeFile]:
        """Return the live files of a table, in order of their paths."""
        import pyarrow as pa

        with self.place.told():
            found = pa.table(self.table(name).get_add_actions(flatten=True))
        bounds = [f"{end}.start_time" for end in ("min", "max")]
        partition = [one for one in found.column_names if one.startswith("partition.")]
        wanted = ["path", "size_bytes", "num_records", *bounds, *partition]
        rows = found.select([one for one in wanted if one in found.column_names]).to_pylist()
        files = [
            LakeFile(
                name,
                unquote(row["path"]),
                row["size_bytes"],
                row["num_records"],
                {one.removeprefix("partition."): _text(row[one]) for one in partition},
                *(_text(row.get(end)) for end in bounds),
            )
            for row in rows
        ]
        return sorted(files, key=lambda file: file.path)

    def address(self, file: LakeFile) -> str:
        """Return the path or the URL of a file, as a reader of Parquet takes it."""
        return self.place.address(file.table, *file.path.split("/"))

    def read(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table, or some columns of it, whole: meant for `sources` and `bad_lines`."""
        with self.place.told():
            return self.table(name).to_pyarrow_table(columns=list(columns) if columns else None)

    def commit(
        self, sources: Sequence[SourceRow], files: Sequence[LakeFile], extra: Mapping[str, Iterable[str]]
    ) -> Lake:
        """Make files live that lie in their tables' folders, and their sources known; return the new lake.

        `extra` are columns of the tables of records that no version of AWS's formats has. Raises
        `StoreOvertaken`, and changes nothing that can be seen, where the lake is not as this one is any more.
        """
        from flowdb.ledger import ledger_table

        versions = {name: self.versions[name] for name in _BESIDE}
        by_table: dict[str, list[LakeFile]] = {}
        for file in files:
            by_table.setdefault(file.table, []).append(file)
        with self.place.told(), self._overtaken():
            for name in _BESIDE:
                if name == SOURCES:
                    versions[name] = self._append_rows(name, ledger_table(SOURCES, sources))
                elif by_table.get(name):
                    versions[name] = self._append_files(name, by_table[name], extra.get(name, ()))
                reached(f"lake.{name}")
            self._append_flows(by_table.get(FLOWS.view, []), extra.get(FLOWS.view, ()), versions)
            reached("lake.committed")
            return Lake(self.place)

    def _append_rows(self, name: str, rows: pa.Table) -> int:
        """Append rows to a table beside `flows`, and return its version then."""
        from deltalake import write_deltalake

        table = self._restored(name)
        version: int = table.version()
        write_deltalake(table, rows, mode="append", commit_properties=_once())
        return version + 1

    def _append_files(self, name: str, files: list[LakeFile], extra: Iterable[str]) -> int:
        """Append files to a table beside `flows`, and return its version then."""
        table = self._restored(name)
        _add_columns(table, extra, _once())
        version: int = table.version()
        _add_files(table, files, _once())
        return version + 1

    def _restored(self, name: str) -> DeltaTable:
        """Return a table as this lake has it, without what a run that died has added."""
        table = self._table(name)
        if table.version() != self.versions[name]:
            table.restore(self.versions[name], commit_properties=_once())
            table = self._table(name)
        return table

    def _append_flows(self, files: list[LakeFile], extra: Iterable[str], versions: Mapping[str, int]) -> None:
        """Make the commit: one object, which also names the versions of the other tables."""
        from deltalake import CommitProperties

        flows = self._table(FLOWS.view)
        _add_columns(flows, extra)
        # From here on, that another run is the first to name new versions is for the log itself to refuse.
        if _versions(flows) != {name: self.versions[name] for name in _BESIDE}:
            raise StoreOvertaken(self.place.uri)
        _add_files(flows, files, CommitProperties(app_transactions=_named(versions)))

    @contextmanager
    def _overtaken(self) -> Iterator[None]:
        """Raise `StoreOvertaken` where another run was the first to commit."""
        from deltalake.exceptions import CommitFailedError

        try:
            yield
        except CommitFailedError as error:
            raise StoreOvertaken(self.place.uri) from error

    def _table(self, name: str, version: int | None = None) -> DeltaTable:
        from deltalake import DeltaTable

        uri, options = self.place.delta(name)
        return DeltaTable(uri, version=version, storage_options=options)


def _versions(flows: DeltaTable) -> dict[str, int]:
    """Return the versions of the other tables that `flows` names."""
    return {name: flows.transaction_version(f"flowdb.{name}") or 0 for name in _BESIDE}


def _once() -> CommitProperties:
    """Return that a commit is to follow the version that was looked at, and no other."""
    from deltalake import CommitProperties

    return CommitProperties(max_commit_retries=0)


def _add_columns(table: DeltaTable, extra: Iterable[str], properties: CommitProperties | None = None) -> None:
    from deltalake.schema import Field, PrimitiveType

    known = {one.name for one in table.schema().fields}
    new = sorted(set(extra) - known)
    if new:
        fields = [Field(name, PrimitiveType("string"), nullable=True) for name in new]
        table.alter.add_columns(fields, commit_properties=properties)


def _add_files(table: DeltaTable, files: Sequence[LakeFile], properties: CommitProperties) -> None:
    from deltalake.transaction import AddAction

    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(file.path, file.bytes, dict(file.partition), now, True, _statistics(file)) for file in files
    ]
    columns = list(table.metadata().partition_columns)
    table.create_write_transaction(actions, "append", table.schema(), columns, commit_properties=properties)


def _statistics(file: LakeFile) -> str:
    said: dict[str, Any] = {"numRecords": file.records}
    if file.first_start is not None and file.last_start is not None:
        said |= {"minValues": {"start_time": file.first_start}, "maxValues": {"start_time": file.last_start}}
    return json.dumps(said)


def _text(value: object) -> str | None:
    """Return a value of the log as the rest of flowdb has it."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return None if value is None else str(value)
