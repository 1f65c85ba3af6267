"""What lies at a location, of one commit, as tables of Spark: a laptop's store, its live files alone.

Spark reads the very files, by a list of them: it looks into no folder, and so sees no file that a
commit took out of the store, or that no commit has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.datasets import DATASETS, Dataset
from flowdb.errors import StoreDamaged
from flowdb.ledger import LEDGERS, ledger_table
from flowdb.rows import QUARANTINE, SOURCES, FileRow
from flowdb.store import Store
from flowdb.views import BAD_LINES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

__all__ = ["SparkTable", "frame", "store_tables"]

# What Hadoop takes for a pattern of paths.
_PATTERN = re.compile(r"[\\*?\[\]{}]")


@dataclass(frozen=True)
class SparkTable:
    """A table: its columns with their DuckDB types, in order, and the files that have its rows.

    `files` are paths below `base`; columns that are no column of a file are NULL, or are in the
    names of its folders. A table may have `rows` in place of files.
    """

    base: str
    columns: Mapping[str, str]
    files: Sequence[str]
    rows: pa.Table | None = None


def store_tables(root: Path) -> dict[str, SparkTable]:
    """Return the tables of a laptop's store by the names of their views, all of its newest commit."""
    store = Store(root)
    try:
        files = store.catalog.files()
        # Earlier versions have other ledgers, or none.
        has_ledgers = store.catalog.has_ledgers
        sources = None if has_ledgers else ledger_table(SOURCES, list(store.catalog.sources()))
    finally:
        store.close()
    base = f"file://{root.resolve()}"
    tables = {one.view: _records(base, one, [file for file in files if file.kind == one.kind]) for one in DATASETS}
    tables["bad_lines"] = SparkTable(base, BAD_LINES, _paths(files, QUARANTINE))
    tables["sources"] = SparkTable(base, LEDGERS[SOURCES], _paths(files, SOURCES), sources)
    return tables


def _paths(files: Iterable[FileRow], kind: str) -> list[str]:
    return [file.path for file in files if file.kind == kind]


def _records(base: str, dataset: Dataset, files: Sequence[FileRow]) -> SparkTable:
    extra = {name for file in files for name in file.extra.split(",")} - {""}
    columns = {**dataset.sql_columns, **dict.fromkeys(sorted(extra), "VARCHAR")}
    return SparkTable(base, columns, [file.path for file in files])


def frame(spark: SparkSession, table: SparkTable) -> DataFrame:
    """Return the rows of a table, which are read when they are asked for.

    Raises `StoreDamaged` where a file is not there.
    """
    from pyspark.errors import AnalysisException

    schema = _schema(table.columns)
    if table.rows is not None:
        return spark.createDataFrame(table.rows, schema)
    if not table.files:
        return spark.createDataFrame([], schema)
    # A session may say that what is missing or broken is passed over.
    strict = {"ignoreMissingFiles": "false", "ignoreCorruptFiles": "false", "mergeSchema": "false"}
    reader = spark.read.schema(schema).options(**strict, basePath=table.base)
    try:
        found = reader.parquet(*(_alone(f"{table.base}/{path}") for path in table.files))
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        gone = (error.getMessageParameters() or {}).get("path", "a file")
        raise StoreDamaged(table.base, f"{gone} is not there; see: flowdb verify") from error
    # Spark puts columns of folders last.
    return found.select([found[f"`{name}`"] for name in table.columns])


def _alone(path: str) -> str:
    """Return a path as a pattern that it alone matches."""
    return _PATTERN.sub(r"\\\g<0>", path)


def _schema(columns: Mapping[str, str]) -> StructType:
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(name, _type(kind)) for name, kind in columns.items()])


def _type(kind: str) -> DataType:
    from pyspark.sql import types

    made: dict[str, DataType] = {
        "BIGINT": types.LongType(),
        "BOOLEAN": types.BooleanType(),
        "DATE": types.DateType(),
        "DOUBLE": types.DoubleType(),
        "INTEGER": types.IntegerType(),
        "TIMESTAMP": types.TimestampNTZType(),
        "VARCHAR": types.StringType(),
    }
    return made[kind]
