"""The two kinds of records, which never mix: those of VPC flow logs and those of transit gateways."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from flowdb.fields import FIELDS, TGW_FIELDS, Field, Kind, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DATASETS", "FLOWS", "TGW", "Dataset", "dataset_of", "schema_version"]

_TGW_ONLY = re.compile(r"tgw[-_]|packets[-_]lost[-_]|resource[-_]type\Z")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Records of one kind: the kind of their files, their folder in a store, the view that shows them.

    `first_version` is that of the oldest schema of their files, `seen_at` the column that says which
    interface or attachment saw them.
    """

    kind: str
    folder: str
    view: str
    fields: tuple[Field, ...]
    first_version: int
    seen_at: str

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names; any other name is that of a text field unknown here."""
        return {field.name: field for field in self.fields}

    def schema(self, version: int, extra: tuple[str, ...] = ()) -> pa.Schema:
        """Return the Arrow schema of a data file of a schema version.

        It has every field that AWS's formats have up to that version, the `extra` text columns,
        and `source_id`. The date is not in it: it is the name of the file's folder.
        """
        import pyarrow as pa

        columns = [
            pa.field(field.column, arrow_type(field.kind))
            for field in self.fields
            if field.version <= version
        ]
        columns += [pa.field(name, arrow_type(Kind.CODE)) for name in extra]
        return pa.schema([*columns, pa.field("source_id", pa.int64())])

    @property
    def sql_columns(self) -> dict[str, str]:
        """The columns of the view and their DuckDB types, in order."""
        columns = {field.column: field.kind.sql_type for field in self.fields}
        return {"date": "DATE"} | columns | {"source_id": "BIGINT"}


FLOWS = Dataset("flows", "data", "flows", FIELDS, first_version=2, seen_at="interface_id")
TGW = Dataset("tgw", "tgw", "tgw_flows", TGW_FIELDS, first_version=6, seen_at="tgw_attachment_id")
DATASETS = (FLOWS, TGW)


def dataset_of(names: Iterable[str]) -> Dataset:
    """Return what records with these fields, or columns, belong to.

    A single field that transit gateways alone have, known here or not, makes them theirs.
    """
    return TGW if any(map(_TGW_ONLY.match, names)) else FLOWS


@cache
def schema_version(columns: tuple[str, ...]) -> tuple[Dataset, int, tuple[str, ...]]:
    """Return what records with these columns belong to, their schema version, and what no version has."""
    dataset = dataset_of(columns)
    versions = {field.column: field.version for field in dataset.fields}
    version = max([dataset.first_version, *(versions[column] for column in columns if column in versions)])
    return dataset, version, tuple(sorted(set(columns) - versions.keys() - {"source_id"}))
