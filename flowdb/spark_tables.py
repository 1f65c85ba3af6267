"""What lies at a location, of one commit, as tables of Spark: of a laptop's store or of a lake.

Spark reads the very files, by a list of them: it looks into no folder, and so sees no file that a
commit took out of the store, or that no commit has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from flowdb.datasets import DATASETS
from flowdb.errors import StoreDamaged, StoreError, gist
from flowdb.ledger import LEDGERS, ledger_table
from flowdb.rows import QUARANTINE, SOURCES
from flowdb.views import BAD_LINES

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

    from flowdb.readable import Readable

__all__ = ["SparkTable", "frame", "tables_of"]

# What Hadoop takes for a pattern of paths.
_PATTERN = re.compile(r"[\\*?\[\]{}]")

# A folder whose name Spark reads byte for byte, as another value: one not in ASCII. The files have it too.
_NOT_SPELLED = re.compile(r"=[^/]*%[89A-F][^/]*/")
# A session may say that what is missing or broken is passed over.
_STRICT = {"ignoreMissingFiles": "false", "ignoreCorruptFiles": "false", "mergeSchema": "false"}


@dataclass(frozen=True)
class SparkTable:
    """A table: its columns with their DuckDB types, in order, and the files that have its rows.

    `files` are paths below `base`. A column that a file does not have is in the names of its
    folders, or else NULL. A table may have `rows` in place of files.
    """

    base: str
    columns: Mapping[str, str]
    files: Sequence[str]
    rows: pa.Table | None = None


def tables_of(store: Readable, base: str) -> dict[str, SparkTable]:
    """Return the tables of a store's newest commit by the names of their views.

    `base` is the folder that its files lie in, as Spark is to be told.
    """
    paths: dict[str, list[str]] = {}
    extra: dict[str, set[str]] = {}
    files = store.catalog.files()
    for file in files:
        paths.setdefault(file.kind, []).append(file.path)
        extra.setdefault(file.kind, set()).update(name for name in file.extra.split(",") if name)
    tables = {}
    for one in DATASETS:
        columns = {**one.sql_columns, **dict.fromkeys(sorted(extra.get(one.kind, ())), "VARCHAR")}
        tables[one.view] = SparkTable(base, columns, paths.get(one.kind, ()))
    tables["bad_lines"] = SparkTable(base, BAD_LINES, paths.get(QUARANTINE, ()))
    # The ledgers of earlier versions are others.
    has_other = store.catalog.is_old or SOURCES not in paths
    rows = ledger_table(SOURCES, list(store.catalog.sources())) if has_other else None
    tables["sources"] = SparkTable(base, LEDGERS[SOURCES], paths.get(SOURCES, ()), rows)
    return tables


def frame(spark: SparkSession, table: SparkTable) -> DataFrame:
    """Return the rows of a table, which are read when they are asked for.

    Raises `StoreDamaged` where a file is not there, `StoreError` where Spark cannot read what is.
    """
    schema = _schema(table.columns)
    if table.rows is not None:
        return spark.createDataFrame(table.rows, schema)
    if not table.files:
        nothing = (f"CAST(NULL AS {one.dataType.simpleString()}) AS `{one.name}`" for one in schema)
        return spark.sql(f"SELECT {', '.join(nothing)} WHERE FALSE")
    by_date: dict[str, list[str]] = {}
    for path in table.files:
        date = path.partition("date=")[2].partition("/")[0] if _NOT_SPELLED.search(path) else ""
        by_date.setdefault(date, []).append(path)
    parts = (_read(spark, table, files, date) for date, files in sorted(by_date.items()))
    return reduce(lambda one, other: one.unionAll(other), parts)


def _read(spark: SparkSession, table: SparkTable, files: Sequence[str], date: str) -> DataFrame:
    """Return the rows of files, with the columns that folders name, or with a date that is told."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import AnalysisException
    from pyspark.sql.functions import lit

    columns = {name: kind for name, kind in table.columns.items() if not date or name != "date"}
    reader = spark.read.schema(_schema(columns)).options(**_STRICT)
    if not date:
        reader = reader.option("basePath", table.base)
    try:
        found = reader.parquet(*(_alone(f"{table.base}/{path}") for path in files))
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        gone = (error.getMessageParameters() or {}).get("path", "a file")
        raise StoreDamaged(table.base, f"{gone} is not there") from error
    except Py4JJavaError as error:
        # Such as that Spark has no file system for a URL, which EMR has for s3:// and hadoop-aws for s3a://.
        raise StoreError(table.base, f"Spark cannot read it ({gist(str(error.java_exception))})") from error
    if date:
        found = found.withColumn("date", lit(date).cast("date"))
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
