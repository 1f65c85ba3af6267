"""The statements that make tables of an uploaded store's Parquet, for Athena, Trino and Spark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from flowdb.datasets import FLOWS
from flowdb.errors import UsageError
from flowdb.ledger import LEDGERS

__all__ = ["DIALECTS", "FIRST_DATE", "check_table", "ddl", "name_parts", "sources_beside"]

DIALECTS = ("athena", "trino", "spark")
"""The engines that tables are defined for."""
FIRST_DATE = "2015-06-01"
"""The first date that Athena looks for: AWS has had flow logs since then."""
_TYPES = {
    "athena": {"VARCHAR": "string", "INTEGER": "int", "TIMESTAMP": "timestamp"},
    "trino": {"TIMESTAMP": "timestamp(3)"},
    "spark": {"VARCHAR": "string", "INTEGER": "int", "TIMESTAMP": "timestamp_ntz"},
}
# A time in nanoseconds, which few engines read and no analysis asks.
_LEFT_OUT = ("modified",)
_NAME = re.compile(r"\w+(\.\w+){0,2}", re.A)
_PLAIN = re.compile(r"[a-z]\w*", re.ASCII | re.IGNORECASE)
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://[^'\"\s]+|/[^'\"\n]*")


def check_table(text: str) -> None:
    """Raise `UsageError` for what names no table of records, with or without a catalog and a database."""
    if _NAME.fullmatch(text) is None:
        raise UsageError(f"table is {text!r}; expected a name such as flows or vpc.flows")
    if text.lower() == sources_beside(text).lower():
        raise UsageError(f"table is {text!r}, which is the name of the table of sources; expected another")


def name_parts(table: str) -> list[tuple[str, bool]]:
    """Return the parts of a table's name, and of each whether it has to be quoted."""
    words = _words()
    return [(one, not _PLAIN.fullmatch(one) or one.upper() in words) for one in table.split(".")]


@cache
def _words() -> frozenset[str]:
    """Return the words that mean something to an engine."""
    from sqlglot.dialects.hive import Hive
    from sqlglot.dialects.spark import Spark
    from sqlglot.dialects.trino import Trino

    known = (one.Tokenizer.KEYWORDS for one in (Hive, Spark, Trino))
    return frozenset(word.upper() for words in known for word in words)


def sources_beside(table: str) -> str:
    """Return the name of the table of sources beside a table of records: `sources`, in its database."""
    database, dot, _ = table.rpartition(".")
    return f"{database}{dot}sources"


def ddl(dialect: str, location: str, table: str = "flows", *, of_lake: bool = False) -> str:
    """Return the statements that define the tables of records and of sources.

    The records are in `data/` below the location, one folder for each date, and the ledger of
    sources in `sources/`; those of a lake are its Delta tables `flows/` and `sources/`. Raises
    `UsageError` for a name or a place that cannot be one.
    """
    if dialect not in DIALECTS:
        raise UsageError(f"dialect is {dialect!r}; expected one of: {', '.join(DIALECTS)}")
    check_table(table)
    if not _PLACE.fullmatch(location):
        raise UsageError(f"location is {location!r}; expected a place such as s3://bucket/flows")
    if dialect == "athena" and not location.startswith("s3://"):
        raise UsageError(f"location is {location!r}, which Athena cannot read; expected a place in s3://")
    place = location.rstrip("/")
    if of_lake:
        tables = {table: f"{place}/flows", sources_beside(table): f"{place}/sources"}
        return _joined(_delta_table(dialect, name, at) for name, at in tables.items())
    records = {name: kind for name, kind in FLOWS.sql_columns.items() if name != "date"}
    sources = {name: kind for name, kind in LEDGERS["sources"].items() if name not in _LEFT_OUT}
    statements = [
        _table(dialect, table, records, f"{place}/data/", is_dated=True),
        _table(dialect, sources_beside(table), sources, f"{place}/sources/", is_dated=False),
    ]
    if dialect == "spark":
        statements.insert(1, f"ALTER TABLE {_quoted(table, dialect)} RECOVER PARTITIONS")
    return _joined(statements)


def _joined(statements: Iterable[str]) -> str:
    return "".join(f"{one};\n\n" for one in statements).rstrip("\n") + "\n"


def _delta_table(dialect: str, name: str, place: str) -> str:
    """Return the statement that makes a Delta table known; its columns and its files its log tells."""
    if dialect == "athena":
        head = f"CREATE EXTERNAL TABLE IF NOT EXISTS {_quoted(name, dialect)}"
        return f"{head}\nLOCATION '{place}/'\nTBLPROPERTIES ('table_type' = 'DELTA')"
    if dialect == "spark":
        return f"CREATE TABLE IF NOT EXISTS {_quoted(name, dialect)}\nUSING delta\nLOCATION '{place}'"
    *above, own = name.split(".")
    catalog, schema = ["delta", "default", *above][-2:] if len(above) != 1 else ("delta", above[0])
    values = {"schema_name": schema, "table_name": own, "table_location": place}
    listed = ",\n".join(f"  {key} => '{value}'" for key, value in values.items())
    return f"CALL {_quoted(catalog, dialect)}.system.register_table(\n{listed}\n)"


def _table(dialect: str, name: str, columns: Mapping[str, str], place: str, *, is_dated: bool) -> str:
    types = _TYPES[dialect]
    quote = _quote(dialect)
    listed = [f"  {quote}{column}{quote} {types.get(kind, kind.lower())}" for column, kind in columns.items()]
    date = f"{quote}date{quote} date"
    if is_dated and dialect != "athena":
        listed.append(f"  {date}")
    made = "CREATE EXTERNAL TABLE" if dialect == "athena" else "CREATE TABLE"
    head = f"{made} IF NOT EXISTS {_quoted(name, dialect)} (\n" + ",\n".join(listed) + "\n)"
    return "\n".join([head, *_ending(dialect, place, date if is_dated else "")])


def _quote(dialect: str) -> str:
    return '"' if dialect == "trino" else "`"


def _quoted(table: str, dialect: str) -> str:
    quote = _quote(dialect)
    return ".".join(f"{quote}{one}{quote}" if must else one for one, must in name_parts(table))


def _ending(dialect: str, place: str, date: str) -> list[str]:
    """Return the lines after the columns: how the files lie, and where."""
    if dialect == "trino":
        parts = ["external_location = '" + place + "'", "format = 'PARQUET'"]
        parts += ["partitioned_by = ARRAY['date']"] if date else []
        return ["WITH (\n  " + ",\n  ".join(parts) + "\n)"]
    if dialect == "spark":
        return ["USING parquet", *(["PARTITIONED BY (`date`)"] if date else []), f"LOCATION '{place}'"]
    lines = [f"PARTITIONED BY ({date})"] if date else []
    lines += ["STORED AS PARQUET", f"LOCATION '{place}'"]
    if date:
        properties = {
            "projection.enabled": "true",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": f"{FIRST_DATE},NOW+1DAYS",
            "projection.date.interval": "1",
            "projection.date.interval.unit": "DAYS",
            "storage.location.template": f"{place}date=${{date}}/",
        }
        lines += [
            "TBLPROPERTIES (",
            ",\n".join(f"  '{key}' = '{one}'" for key, one in properties.items()),
            ")",
        ]
    return lines
