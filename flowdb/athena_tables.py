"""Reads CREATE EXTERNAL TABLE as Athena takes it: which column of a person's table is which field.

A table of delimited text names the columns of a line in order, whatever it calls them: the logs'
own formats tell which field each is. A table of Parquet names fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot.tokens import Token  # type: ignore[attr-defined]

from flowdb.athena_clauses import Clauses
from flowdb.athena_reader import Reader
from flowdb.datasets import FLOWS, TGW, dataset_of
from flowdb.fields import FIELDS
from flowdb.layouts import DEFAULT, TGW_DEFAULT
from flowdb.own_tables import RESERVED, Column, Table
from flowdb.time_formats import FormatUnknown, pieces_of_java

__all__ = ["checked_database", "pattern_like", "table_of"]

_TYPES = {
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DECIMAL",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_GUIDE = tuple(one.name for one in FIELDS if one.version <= 5)
_NAMES = {one.name.replace("-", ""): one.name for dataset in (TGW, FLOWS) for one in dataset.fields}
# What else people call the fields, without marks between the words.
_ALIASES = {
    "account": "account-id",
    "accountnumber": "account-id",
    "eni": "interface-id",
    "eniid": "interface-id",
    "interface": "interface-id",
    "source": "srcaddr",
    "src": "srcaddr",
    "srcip": "srcaddr",
    "sourceip": "srcaddr",
    "sourceaddress": "srcaddr",
    "destination": "dstaddr",
    "dest": "dstaddr",
    "dst": "dstaddr",
    "dstip": "dstaddr",
    "destip": "dstaddr",
    "destinationip": "dstaddr",
    "destaddr": "dstaddr",
    "destinationaddress": "dstaddr",
    "sourceport": "srcport",
    "destport": "dstport",
    "destinationport": "dstport",
    "proto": "protocol",
    "numpackets": "packets",
    "packetcount": "packets",
    "numbytes": "bytes",
    "bytecount": "bytes",
    "starttime": "start",
    "startts": "start",
    "windowstart": "start",
    "endtime": "end",
    "endts": "end",
    "windowend": "end",
    "status": "log-status",
    "vpc": "vpc-id",
    "subnet": "subnet-id",
    "instance": "instance-id",
    "tcpflag": "tcp-flags",
    "az": "az-id",
    "packetsrcaddr": "pkt-srcaddr",
    "packetdstaddr": "pkt-dstaddr",
    "direction": "flow-direction",
}
_TIMES = {"year": "yyyy", "yyyy": "yyyy", "month": "MM", "mm": "MM", "hour": "HH", "hh": "HH", "dd": "dd"}
_SHORT = {"y": "yyyy", "m": "MM", "d": "dd", "h": "HH"}
_DATES = ("date", "dt", "ds", "day", "logdate", "eventdate", "partitiondate", "datestr", "datehour")
_PATTERNS = (
    (r"\d{4}/\d\d/\d\d/\d\d", "yyyy/MM/dd/HH"),
    (r"\d{4}/\d\d/\d\d", "yyyy/MM/dd"),
    (r"\d{4}-\d\d-\d\d-\d\d", "yyyy-MM-dd-HH"),
    (r"\d{4}-\d\d-\d\d", "yyyy-MM-dd"),
    (r"\d{10}", "yyyyMMddHH"),
    (r"\d{8}", "yyyyMMdd"),
)


def table_of(
    reader: Reader, layouts: Sequence[tuple[str, ...]], database: str
) -> tuple[Table, tuple[str, ...]]:
    """Return the table that CREATE EXTERNAL TABLE declares, and what of it means nothing here.

    The reader is at its name. `layouts` are the fields of the logs in the store, the most
    frequent first; `database` is that of a table whose name has none.
    """
    at = reader.token
    owner, name = reader.table()
    assert at is not None
    owner = checked_database(reader, owner or database, at)
    columns = _columns(reader)
    clauses = Clauses.read(reader, _columns)
    partitions, properties = clauses.partitions, clauses.properties
    names = [one for one, _ in columns]
    outside = {known for one, _ in partitions if (known := _known(one))}
    called = [clauses.mapped.get(one, one) for one in names]
    fields = [_known(one) or "" for one in called] if clauses.by_name else _by_place(called, layouts, outside)
    view = dataset_of(one for one in fields if one).view
    made = [Column(one, kind, field=known) for (one, kind), known in zip(columns, fields, strict=True)]
    parts = [_partition(one, kind, properties, [n for n, _ in partitions]) for one, kind in partitions]
    for part in parts:
        try:
            pieces_of_java(part.pattern)
        except FormatUnknown as error:
            raise reader.statement.error(f"partition {part.name}: {error}", reader.statement.start) from error
    _check_twice(reader, [*names, *(one for one, _ in partitions)])
    return Table(owner, name, reader.statement.text, tuple(made), tuple(parts), view), clauses.unused


def checked_database(reader: Reader, name: str, at: Token) -> str:
    """Return the name of a database, if one can be called so."""
    if name in RESERVED:
        raise reader.statement.error(f"a database cannot be called {name} here", at.start)
    return name


def pattern_like(value: str) -> str:
    """Return the pattern of a date that a partition's value has, or nothing."""
    return next((pattern for form, pattern in _PATTERNS if re.fullmatch(form, value)), "")


def _check_twice(reader: Reader, names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise reader.statement.error(f"there are two columns {twice[0]}", reader.statement.start)


def _columns(reader: Reader) -> list[tuple[str, str]]:
    """Return names and DuckDB types of the columns in parentheses."""
    reader.needs("(")
    found = []
    while True:
        name = reader.name()
        found.append((name, _type(reader, name)))
        if reader.takes("COMMENT"):
            reader.string()
        if not reader.takes(","):
            reader.needs(")")
            return found


def _type(reader: Reader, column: str) -> str:
    token = reader.token
    name = reader.name()
    if name not in _TYPES or token is None:
        reader.place -= 1
        raise reader.refused(f"column {column}: expected one of the types {', '.join(_TYPES)}")
    digits = ""
    if reader.takes("("):
        reader.place -= 1
        start = reader.place
        reader.skip_parentheses()
        digits = "".join(reader.text(one) for one in reader.statement.tokens[start : reader.place])
    if name == "decimal":
        found = re.fullmatch(r"\((\d{1,3})(?:,(\d{1,3}))?\)", digits)
        if found and not max(1, int(found[2] or 0)) <= int(found[1]) <= 38:
            what = f"column {column}: a decimal has 1 to 38 digits, no more of them behind the point"
            raise reader.statement.error(what, token.start)
        return f"DECIMAL{digits}" if found else "DECIMAL(10,0)"
    return _TYPES[name]


def _known(name: str) -> str | None:
    """Return the field that a column has the name of, or one that people give it."""
    bare = re.sub(r"[-_ ]", "", name)
    return _NAMES.get(bare) or _ALIASES.get(bare)


def _by_place(names: list[str], layouts: Sequence[tuple[str, ...]], outside: set[str]) -> list[str]:
    """Return the fields of the columns of a line, from the order of the fields in a format.

    It is the format that the names that are known fit best. Where none does, the columns are
    in no order that any log has: names tell.
    """
    known = [_known(one) for one in names]
    every = tuple(one.name for one in FIELDS)
    formats = [*layouts, DEFAULT.names, _GUIDE, TGW_DEFAULT.names]
    formats += [tuple(one for one in form if one not in outside) for form in (*layouts, _GUIDE)]
    formats += [every]
    best: tuple[tuple[int, ...], list[str]] | None = None
    for place, form in enumerate(formats):
        fields = [form[n] if n < len(form) else "" for n in range(len(names))]
        same = sum(one == two for one, two in zip(known, fields, strict=True) if one)
        other = sum(one != two and two != "" for one, two in zip(known, fields, strict=True) if one)
        # With as many columns as the logs have fields, a few odd names are only odd names.
        if other and not (len(form) == len(names) and same > other):
            continue
        # A field that the format lacks is NULL in its logs; others of the store may have it.
        lacking = sum(not one and not two for one, two in zip(known, fields, strict=True))
        rank = (lacking, len(form) != len(names), other, place)
        found = [one or two or "" for one, two in zip(fields, known, strict=True)]
        if len(set(filter(None, found))) == len([one for one in found if one]) and (
            best is None or rank < best[0]
        ):
            best = rank, found
    return best[1] if best else [one or "" for one in known]


def _partition(name: str, kind: str, properties: dict[str, str], others: list[str]) -> Column:
    """Return what a partition's column is computed from: its projection, or else its name, tells."""
    bare = re.sub(r"[-_ ]", "", name)
    bare = bare.removesuffix("partition") or bare
    if form := properties.get(f"projection.{name}.format"):
        return Column(name, kind, pattern=form)
    digits = properties.get(f"projection.{name}.digits", "2")
    if bare in ("region", "awsregion", "regionname", "logregion"):
        return Column(name, kind, part="region")
    if bare in ("account", "accountid", "awsaccountid", "awsaccount", "accountnumber"):
        return Column(name, kind, part="account")
    if bare in ("awsservice", "service"):
        return Column(name, kind, text="vpcflowlogs")
    if kind == "DATE":
        return Column(name, kind, pattern="yyyy-MM-dd")
    if kind == "TIMESTAMP":
        return Column(name, kind, pattern="yyyy-MM-dd HH" if "hour" in bare else "yyyy-MM-dd")
    has_month = any(re.sub(r"[-_ ]", "", one) in ("month", "mm", "m") for one in others)
    pattern = _TIMES.get(bare) or ("dd" if bare == "day" and has_month else "")
    pattern = pattern or (_SHORT.get(bare, "") if "y" in others else "")
    if pattern:
        unpadded = digits == "1" and len(pattern) == 2
        return Column(name, kind, pattern=pattern[0] if unpadded else pattern)
    if bare == "day":
        return Column(name, kind, pattern="yyyy/MM/dd")
    if bare in ("eventday", "datekey"):
        return Column(name, kind, pattern="yyyyMMdd")
    if bare == "datehour":
        return Column(name, kind, pattern="yyyy/MM/dd/HH")
    if bare in _DATES:
        return Column(name, kind, pattern="yyyy-MM-dd" if kind == "VARCHAR" else "yyyyMMdd")
    values = properties.get(f"projection.{name}.values", "")
    return Column(name, kind, text="" if "," in values else values)
