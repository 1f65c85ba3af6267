"""The tables that a person has declared over the store, as in Athena, and `vpc_flow_logs`, which is there.

A table is a view of `flows` or `tgw_flows` whose columns have names and types of its own. The
declarations are in one small file of the store, and views of them in `flowdb.duckdb`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from flowdb.analyses import called_statements
from flowdb.datasets import DATASETS
from flowdb.disk import sync_file, sync_folder
from flowdb.errors import StoreDamaged
from flowdb.faults import reached
from flowdb.fields import FIELDS, Field, Kind
from flowdb.quoting import quote_name, quote_text
from flowdb.rows import FileRow
from flowdb.time_formats import pieces_of_java

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "BUILT_IN",
    "RESERVED",
    "TABLES",
    "Column",
    "Table",
    "built_in",
    "built_in_query",
    "built_in_statement",
    "may_fail",
    "read_tables",
    "run",
    "sweep_tables",
    "table_statements",
    "tables_digest",
    "write_tables",
]

TABLES = "tables.json"
"""The file of declared tables in a store."""
BUILT_IN = "vpc_flow_logs"
"""The table that every store has."""
RESERVED = ("main", "temp", "information_schema", "pg_catalog", "memory", "system", "flowdb")
"""What no database of tables can be called."""
_VERSION = 1
_MAY_FAIL = "/* a query of one's own */ "
_WIDE = ("protocol", "packets", "bytes", "start", "end")
_ACCOUNT = r"([0-9]{12})[/\\_](?:aws-service=)?vpcflowlogs"
_REGION = r"vpcflowlogs[/\\_](?:aws-region=)?([a-z]{2}(?:-[a-z]+)+-[0-9]+)"
# Where a part of a date is in its text: what is cut out of a date still tells which files are needed.
_PARTS = {"yyyy": (1, 4), "uuuu": (1, 4), "YYYY": (1, 4), "yy": (3, 2), "MM": (6, 2), "dd": (9, 2)}
_CLOCK = {"HH": "%H", "H": "%-H", "mm": "%M", "ss": "%S", "M": "%-m", "d": "%-d"}
_TYPE = re.compile(r"[A-Z]+(\(\d+,\s*\d+\))?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its DuckDB type, and what it shows.

    That is a `field` of the record, its time by a Java `pattern`, the `part` of the log's path
    ('region', 'account'), a constant `text`, or, where all are empty, nothing.
    """

    name: str
    type: str
    field: str = ""
    pattern: str = ""
    part: str = ""
    text: str = ""

    @property
    def shows(self) -> str:
        """What it shows, in words."""
        if self.field:
            return f"field {self.field}"
        if self.pattern:
            return f"time as {self.pattern}"
        return self.part or (repr(self.text) if self.text else "nothing: NULL")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: database, name, the statement that declared it, columns, partition columns.

    `view` is what it shows: `flows` or `tgw_flows`; or it is what a `query` in DuckDB's SQL
    gives, which then is that of a view, as `is_view` says, or of CREATE TABLE AS.
    """

    database: str
    name: str
    ddl: str
    columns: tuple[Column, ...]
    partitions: tuple[Column, ...]
    view: str = "flows"
    query: str = ""
    is_view: bool = False

    @property
    def full_name(self) -> str:
        """The database and the name."""
        return f"{self.database}.{self.name}" if self.database else self.name

    @property
    def quoted(self) -> str:
        """The database and the name as queries have them."""
        return f"{quote_name(self.database)}.{quote_name(self.name)}"

    def asks(self, other: Table) -> bool:
        """Tell whether its query is one of another table."""
        return bool(other.database) and other.quoted in self.query


def built_in() -> Table:
    """Return `vpc_flow_logs`: every field under its name, and the partitions that people use."""
    columns = tuple(
        Column(
            field.name.replace("-", "_"),
            "VARCHAR" if field.kind.is_text else "BIGINT" if field.name in _WIDE else "INTEGER",
            *(("", "", "region") if field.name == "region" else (field.name,)),
        )
        for field in FIELDS
    )
    partitions = (
        Column("date", "DATE", pattern="yyyy-MM-dd"),
        Column("year", "VARCHAR", pattern="yyyy"),
        Column("month", "VARCHAR", pattern="MM"),
        Column("day", "VARCHAR", pattern="yyyy/MM/dd"),
        Column("hour", "VARCHAR", pattern="HH"),
        Column("aws-account-id", "VARCHAR", part="account"),
        Column("aws-service", "VARCHAR", text="vpcflowlogs"),
        Column("aws-region", "VARCHAR", part="region"),
    )
    return Table("", BUILT_IN, "", columns, partitions)


def read_tables(root: Path) -> list[Table]:
    """Return the tables of a store, in the order in which they were declared.

    Raises `StoreDamaged` where the file of them cannot be read.
    """
    try:
        found = json.loads((root / TABLES).read_text("utf-8"))
        if found["version"] != _VERSION:
            raise ValueError(f"it has version {found['version']}")
        return [
            _checked(
                Table(
                    **{
                        **one,
                        "columns": tuple(Column(**column) for column in one["columns"]),
                        "partitions": tuple(Column(**column) for column in one["partitions"]),
                    }
                )
            )
            for one in found["tables"]
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"its {TABLES} cannot be read ({error}); move it away, and declare the tables again"
        raise StoreDamaged(str(root), reason) from error


def _checked(table: Table) -> Table:
    """Return a table of which the file tells nothing that flowdb does not write; else raise `ValueError`.

    A store may come from somebody else, and what is made of its tables is run.
    """
    columns = (*table.columns, *table.partitions)
    told = [table.database, table.name, table.ddl, table.view, table.query]
    told += [
        text for one in columns for text in (one.name, one.type, one.field, one.pattern, one.part, one.text)
    ]
    if not all(isinstance(one, str) for one in told) or not table.database or not table.name:
        raise ValueError("a table has something else than a text in it")
    if table.database in RESERVED or table.view not in {one.view for one in DATASETS}:
        raise ValueError(f"there is no table {table.full_name} of {table.view}")
    for one in columns:
        letters = {found for found, _ in pieces_of_java(one.pattern)} - {"", *_PARTS, *_CLOCK}
        if letters or one.part not in ("", "region", "account"):
            raise ValueError(f"the column {one.name} shows what no column does")
        if not table.query and not _TYPE.fullmatch(one.type):
            raise ValueError(f"the column {one.name} has no type")
    return table


def tables_digest(root: Path) -> str:
    """Return what is another text for other tables."""
    try:
        return xxhash.xxh3_64_hexdigest((root / TABLES).read_bytes())
    except OSError:
        return ""


def write_tables(root: Path, tables: Sequence[Table]) -> None:
    """Write the tables of a store, all or none: under another name, and moved into place."""
    text = json.dumps({"version": _VERSION, "tables": [asdict(one) for one in tables]}, indent=1)
    handle, name = tempfile.mkstemp(prefix=f".{TABLES}.", dir=root)
    new = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
        umask = os.umask(0o077)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        sync_file(new)
        reached("tables.written")
        os.replace(new, root / TABLES)
        sync_folder(root)
    finally:
        new.unlink(missing_ok=True)
    reached("tables.moved")


def sweep_tables(root: Path) -> None:
    """Remove what a writer that died left of a new file."""
    for path in root.glob(f".{TABLES}.*"):
        path.unlink(missing_ok=True)


def table_statements(tables: Iterable[Table], files: Sequence[FileRow], taken: Iterable[str]) -> list[str]:
    """Return the statements that make views of tables: in the schema of their database, and without it.

    A bare name that is `taken` stays what it is; of two tables of one name it is the last.
    """
    extra = {
        dataset.view: {name for file in files if file.kind == dataset.kind for name in file.extra.split(",")}
        for dataset in DATASETS
    }
    kept = {name.lower() for name in taken}
    found = []
    declared = [one for one in tables if not one.query]
    for one in [*declared, *_in_order([one for one in tables if one.query])]:
        query = one.query or _query(one, extra[one.view])
        found.append(f"CREATE SCHEMA IF NOT EXISTS {quote_name(one.database)}")
        found += called_statements(one.query) if one.query else []
        names = [one.quoted, *([f"main.{quote_name(one.name)}"] if one.name not in kept else [])]
        for name in names:
            if one.query:
                found.append(f"{_MAY_FAIL}DROP VIEW IF EXISTS {name}")
            found.append(f"{_MAY_FAIL if one.query else ''}CREATE OR REPLACE VIEW {name} AS {query}")
    return found


def run(connection: duckdb.DuckDBPyConnection, statements: Iterable[str]) -> None:
    """Run statements; a view of a query that does not fit the store any more is left out.

    Each is one statement: a query of somebody else could have another one behind it.
    """
    import duckdb

    for statement in statements:
        try:
            parsed = connection.extract_statements(statement)
            if len(parsed) != 1:
                raise duckdb.InvalidInputException("more than one statement")
            connection.execute(parsed[0])
        except duckdb.Error:
            if not may_fail(statement):
                raise


def may_fail(statement: str) -> bool:
    """Tell whether a statement makes a view of a person's own query."""
    return statement.startswith(_MAY_FAIL)


def _in_order(tables: list[Table]) -> list[Table]:
    """Put tables that are queries after those that they ask."""
    ordered: list[Table] = []
    while left := [one for one in tables if one not in ordered]:
        ready = [one for one in left if not any(one.asks(other) for other in left if other is not one)]
        ordered += ready or left
    return ordered


def built_in_statement() -> str:
    """Return the statement that makes `vpc_flow_logs`."""
    return f"CREATE OR REPLACE VIEW {quote_name(BUILT_IN)} AS {built_in_query()}"


def built_in_query() -> str:
    """Return the query that `vpc_flow_logs` is, over the views `flows` and `sources`."""
    return _query(built_in(), set())


def _query(table: Table, extra: set[str]) -> str:
    columns = [*table.columns, *table.partitions]
    cells = [f"{_cell(table.view, one, extra)} AS {quote_name(one.name)}" for one in columns]
    # In full, for the schema that a view is in comes first when its names are looked up.
    query = f"SELECT {', '.join(cells)} FROM main.{quote_name(table.view)} AS records"
    if any(one.part for one in columns):
        # One row for each source, as DuckDB can tell: where no column of it is asked for, it is not read.
        query += (
            " LEFT JOIN (SELECT sources.source_id AS source_id,"
            f" any_value({_found_in_path(_ACCOUNT)}) AS account,"
            f" any_value({_found_in_path(_REGION)}) AS region"
            " FROM main.sources GROUP BY sources.source_id) AS paths ON paths.source_id = records.source_id"
        )
    return query


def _found_in_path(pattern: str) -> str:
    return f"nullif(regexp_extract(sources.uri, {quote_text(pattern)}, 1), '')"


def _cell(view: str, column: Column, extra: set[str]) -> str:
    value, kind = _value(view, column, extra)
    return value if kind == column.type else f"TRY_CAST({value} AS {column.type})"


def _value(view: str, column: Column, extra: set[str]) -> tuple[str, str]:
    """Return what a column shows, and the type of it."""
    if column.field:
        return _field_value(view, column, extra)
    if column.part:
        own = {"region": "region", "account": "account_id"}[column.part]
        return f"coalesce(records.{own}, paths.{column.part})", "VARCHAR"
    if column.pattern:
        return _time_value(column)
    return (quote_text(column.text) if column.text else "NULL"), "VARCHAR" if column.text else ""


def _field_value(view: str, column: Column, extra: set[str]) -> tuple[str, str]:
    fields = {
        name: one for dataset in DATASETS if dataset.view == view for name, one in dataset.by_name.items()
    }
    field = fields.get(column.field) or Field(column.field, Kind.CODE, 0, "")
    if column.field not in fields and field.column not in extra:
        return "NULL", ""
    value = f"records.{quote_name(field.column)}"
    if field.kind is Kind.TIME and column.type not in ("TIMESTAMP", "DATE"):
        return f"epoch_ms({value}) // 1000", "BIGINT"
    return value, field.kind.sql_type


def _time_value(column: Column) -> tuple[str, str]:
    """Return the date of a record, or a text of it."""
    if column.type == "DATE":
        return "records.date", "DATE"
    moment = (
        "CASE WHEN abs(epoch_us(records.end_time) - epoch_us(records.start_time)) > 86400000000"
        " THEN records.end_time ELSE coalesce(records.start_time, records.end_time, records.date) END"
    )
    if column.type == "TIMESTAMP":
        clock = "hour" if "H" in column.pattern else "day"
        return f"date_trunc('{clock}', {moment})", "TIMESTAMP"
    cells = []
    for letters, text in pieces_of_java(column.pattern):
        if letters in _PARTS:
            first, length = _PARTS[letters]
            cells.append(f"substr(records.date::VARCHAR, {first}, {length})")
        elif letters:
            cells.append(f"strftime({moment}, {quote_text(_CLOCK[letters])})")
        else:
            cells.append(quote_text(text))
    return f"({' || '.join(cells)})", "VARCHAR"
