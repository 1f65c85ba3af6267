"""Reads CREATE VIEW and CREATE TABLE AS: what a person keeps under a name, and asks again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flowdb.athena import Statement, Translation
from flowdb.athena_reader import Reader
from flowdb.athena_tables import checked_database
from flowdb.own_tables import Column, Table

__all__ = ["Kept", "check_askers", "kept_query", "table_of_query"]

_TYPES = {"zoned": "TIMESTAMPTZ", "ip": "IPADDRESS", "prefix": "IPPREFIX"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A query that is to be kept: its database and name, where the name stands, and the query itself."""

    database: str
    name: str
    offset: int
    query: Statement


def kept_query(reader: Reader, database: str, *, is_view: bool) -> Kept:
    """Return the query that CREATE VIEW or CREATE TABLE AS names; the reader is at the name.

    Where the files of a table would lie, and of which kind they would be, is not used.
    """
    at = reader.token
    owner, name = reader.table()
    assert at is not None
    owner = checked_database(reader, owner or database, at)
    if reader.takes("COMMENT"):
        reader.string()
    if is_view and reader.takes("SECURITY"):
        reader.name()
    if not is_view and reader.takes("WITH"):
        reader.skip_parentheses()
    if not reader.takes("AS"):
        what = "expected AS and a query"
        if not is_view:
            what += "; a table of other columns than a query's is an EXTERNAL one here"
        raise reader.refused(what)
    tokens = reader.statement.tokens[reader.place :]
    words = [reader.text(one).upper() for one in tokens]
    if not is_view and words[-3:] == ["WITH", "NO", "DATA"]:
        raise reader.statement.error(
            "a table of a query has its rows here; leave NO DATA out", tokens[-3].start
        )
    if not is_view and words[-2:] == ["WITH", "DATA"]:
        tokens = tokens[:-2]
    if not tokens:
        raise reader.statement.error("expected a query at the end of the statement", reader.statement.end)
    whole = reader.statement.whole
    return Kept(owner, name, at.start, Statement(tokens, whole, tokens[0].start, tokens[-1].end + 1))


def table_of_query(
    kept: Kept, ddl: str, translation: Translation, columns: Iterable[tuple[str, str]], *, is_view: bool
) -> Table:
    """Return the table that shows what a query gives; `columns` are the names and types of that."""
    kinds = translation.kinds
    names = ((name.lower(), kind) for name, kind in columns)
    made = tuple(Column(name, _TYPES.get(kinds.get(name, ""), kind)) for name, kind in names)
    return Table(kept.database, kept.name, ddl, made, (), query=translation.sql, is_view=is_view)


def check_askers(reader: Reader, offset: int, tables: Sequence[Table], gone: Sequence[Table]) -> None:
    """Raise `DialectError` where a query that is kept asks one of the tables that are to go."""
    for one in tables:
        if one not in gone and any(one.asks(other) for other in gone):
            word = "VIEW" if one.is_view else "TABLE"
            raise reader.statement.error(
                f"{one.full_name} asks it; DROP {word} {one.full_name} first", offset
            )
