"""Runs texts of Athena statements on a store: queries, and what declares and shows tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from flowdb import analyses, athena
from flowdb.athena import Statement, Translation
from flowdb.athena_answers import Answer, rows, said
from flowdb.athena_kinds import kind_of_type
from flowdb.athena_reader import Reader
from flowdb.athena_tables import pattern_like, table_of
from flowdb.athena_views import check_askers, kept_query, table_of_query
from flowdb.datasets import DATASETS
from flowdb.own_tables import BUILT_IN, Table, built_in, read_tables, write_tables
from flowdb.quoting import quote_name, quote_text
from flowdb.store import own
from flowdb.views import view_names

if TYPE_CHECKING:
    import duckdb

    from flowdb.readable import Readable

__all__ = ["Script"]

_DEFAULT = "default"
_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "(", "EXPLAIN")
_INSTEAD = {
    "INSERT": "; ask its query itself, or make a view of it",
    "UNLOAD": "; ask its query itself, with -o parquet",
}
_NOT_HERE = ("INSERT", "UPDATE", "DELETE", "MERGE", "UNLOAD", "VACUUM", "OPTIMIZE", "PREPARE", "EXECUTE")


class Script:
    """The statements of a text, which are run one by one; a store is given where there is one.

    `ask` gives the result of an answer, or raises the error of it; without it, and in a sandbox,
    nothing changes the store. What else is to be said is added to `notes`.
    """

    def __init__(
        self,
        text: str,
        store: Callable[[], Readable],
        ask: Callable[[Answer], duckdb.DuckDBPyRelation] | None = None,
        *,
        is_sandbox: bool = False,
        notes: list[str] | None = None,
    ) -> None:
        self.statements = athena.split(text)
        self.notes = [] if notes is None else notes
        self._store = store
        self._ask = ask
        self._is_sandbox = is_sandbox or ask is None
        self._database = ""

    def __iter__(self) -> Iterator[Answer]:
        """Yield what each statement gives, after it has done what it does."""
        for statement in self.statements:
            yield self._answer(statement)

    def _answer(self, statement: Statement) -> Answer:
        reader = Reader(statement)
        first = reader.text(statement.tokens[0]).upper()
        if first in _QUERIES:
            return self._query(statement, reader)
        for words, run in self._commands():
            if reader.takes(*words):
                return Answer(statement, run(reader))
        if first in _NOT_HERE:
            what = _INSTEAD.get(first, "")
            raise statement.error(f"{first} changes what a store cannot change{what}", statement.start)
        if first == "CREATE":
            what = "CREATE makes an EXTERNAL TABLE, a VIEW or a TABLE of a query here"
            raise statement.error(what, statement.start)
        raise statement.error(f"{first} is not known here", statement.start)

    def _commands(self) -> list[tuple[tuple[str, ...], Callable[[Reader], str]]]:
        return [
            (("CREATE", "EXTERNAL", "TABLE"), self._create),
            (("CREATE", "OR", "REPLACE", "VIEW"), partial(self._keep, is_view=True, replaces=True)),
            (("CREATE", "VIEW"), partial(self._keep, is_view=True)),
            (("CREATE", "TABLE"), partial(self._keep, is_view=False)),
            (("CREATE", "DATABASE"), self._nothing),
            (("CREATE", "SCHEMA"), self._nothing),
            (("DROP", "TABLE"), self._drop),
            (("DROP", "VIEW"), partial(self._drop, is_view=True)),
            (("DROP", "DATABASE"), self._drop_database),
            (("DROP", "SCHEMA"), self._drop_database),
            (("ALTER", "TABLE"), self._alter),
            (("MSCK", "REPAIR", "TABLE"), self._repair),
            (("SHOW", "CREATE", "TABLE"), self._show_create),
            (("SHOW", "CREATE", "VIEW"), self._show_create),
            (("SHOW", "TABLES"), self._show_tables),
            (("SHOW", "VIEWS"), partial(self._show_tables, of_views=True)),
            (("SHOW", "DATABASES"), self._show_databases),
            (("SHOW", "SCHEMAS"), self._show_databases),
            (("SHOW", "PARTITIONS"), self._show_partitions),
            (("SHOW", "COLUMNS"), self._describe),
            (("DESCRIBE",), self._describe),
            (("DESC",), self._describe),
            (("USE",), self._use),
        ]

    def _query(self, statement: Statement, reader: Reader) -> Answer:
        explains = ""
        if reader.takes("EXPLAIN"):
            explains = "EXPLAIN ANALYZE " if reader.takes("ANALYZE") else "EXPLAIN "
            rest = statement.tokens[reader.place :]
            if not rest:
                raise reader.refused("expected a query")
            statement = Statement(rest, statement.whole, rest[0].start, statement.end)
        translation = self._translated(statement)
        return Answer(statement, explains + translation.sql, translation.kinds)

    def _translated(self, statement: Statement, *, is_kept: bool = False) -> Translation:
        """Return a query in DuckDB's SQL; one that is kept names every table in full."""
        tables = self._tables()
        names: dict[tuple[str, str], tuple[str, str]] = {}
        words = {one.text.lower() for one in statement.tokens}
        for database in words:
            names[(database, BUILT_IN)] = ("main", BUILT_IN)
        for view in (BUILT_IN, *view_names(), *analyses.view_names()) if is_kept else ():
            names[("", view)] = ("main", view)
        for one in tables:
            names[(one.database, one.name)] = names[("", one.name)] = (one.database, one.name)
        for one in tables:
            if one.database == self._database:
                names[("", one.name)] = (one.database, one.name)
        kinds: dict[str, set[str]] = {}
        own = {one.name for one in tables}
        for table in [*tables, *([] if BUILT_IN in own else [built_in()])]:
            if table.name in words:
                for column in (*table.columns, *table.partitions):
                    kinds.setdefault(column.name, set()).add(kind_of_type(column.type))
        for dataset in DATASETS:
            if dataset.view in words and dataset.view not in own:
                for name, kind in dataset.sql_columns.items():
                    kinds.setdefault(name, set()).add(kind_of_type(kind))
        return athena.translate(
            statement, {name: next(iter(one)) if len(one) == 1 else "" for name, one in kinds.items()}, names
        )

    def _tables(self) -> list[Table]:
        return read_tables(self._store().root)

    def _found(self, reader: Reader) -> Table:
        """Return the table that the next name is of."""
        at = reader.token
        database, name = reader.table()
        tables = [one for one in self._tables() if one.name == name and database in ("", one.database)]
        if tables:
            mine = [one for one in tables if one.database == self._database]
            return (mine or tables)[-1]
        if name == BUILT_IN:
            return built_in()
        assert at is not None
        raise reader.statement.error(f"there is no table {name}", at.start)

    def _write(self, reader: Reader, change: Callable[[list[Table]], list[Table]]) -> None:
        """Change the tables of the store, as its only writer."""
        if self._is_sandbox:
            raise reader.statement.error("a sandbox declares no tables", reader.statement.start)
        store = own(self._store())
        with store.writer("athena-table"):
            write_tables(store.root, change(read_tables(store.root)))
            store.generate()

    def _create(self, reader: Reader) -> str:
        if_absent = reader.takes("IF", "NOT", "EXISTS")
        at = reader.token
        layouts = Counter[str]()
        for one in self._store().catalog.sources():
            layouts[one.layout] += one.records
        formats = [tuple(layout.split()) for layout, _ in layouts.most_common() if layout]
        table, unused = table_of(reader, formats, self._database or _DEFAULT)
        old = self._there(table.database, table.name)
        if old is not None and _same_text(old.ddl, table.ddl):
            # What ADD PARTITION told of them.
            table = replace(table, ddl=old.ddl, partitions=old.partitions)
            if table == old:
                return said(f"nothing needs doing: {table.full_name} is declared so already")
        elif old is not None and if_absent:
            return said(f"{table.full_name} is there already, declared otherwise; it stays as it is")
        elif old is not None and at is not None:
            raise reader.statement.error(f"{_there_already(old)} first", at.start)
        self._put(reader, table)
        if unused:
            self.notes.append(f"{table.full_name}: nothing comes of {', '.join(unused)} here")
        cells = [
            (table.full_name, one.name, one.type, one.shows) for one in (*table.columns, *table.partitions)
        ]
        return rows(("table", "column", "type", "shows"), cells)

    def _keep(self, reader: Reader, *, is_view: bool, replaces: bool = False) -> str:
        """Keep a query as a view, or as a table, which here is one too."""
        if_absent = reader.takes("IF", "NOT", "EXISTS")
        kept = kept_query(reader, self._database or _DEFAULT, is_view=is_view)
        old = self._there(kept.database, kept.name)
        if old is not None and _same_text(old.ddl, reader.statement.text):
            return said(f"nothing needs doing: {old.full_name} is that query already")
        if old is not None and if_absent:
            return said(f"{old.full_name} is there already; it stays as it is")
        if old is not None and not (replaces and old.is_view):
            raise reader.statement.error(f"{_there_already(old)} first", kept.offset)
        if self._is_sandbox or self._ask is None:
            raise reader.statement.error("a sandbox declares no tables", reader.statement.start)
        translation = self._translated(kept.query, is_kept=True)
        given = self._ask(Answer(kept.query, translation.sql))
        columns = zip(given.columns, map(str, given.types), strict=True)
        table = table_of_query(kept, reader.statement.text, translation, columns, is_view=is_view)
        if _comes_back(table, self._tables()):
            raise reader.statement.error(f"{table.full_name} would ask itself", kept.offset)
        self._put(reader, table)
        what = "a view" if is_view else "made as a view of its query, and nothing is written"
        return said(f"{table.full_name} is {what}: it shows what its query gives whenever it is asked")

    def _there(self, database: str, name: str) -> Table | None:
        return next((one for one in self._tables() if (one.database, one.name) == (database, name)), None)

    def _put(self, reader: Reader, table: Table) -> None:
        """Write a table in the place of one of its name, or after the others."""

        def put(tables: list[Table]) -> list[Table]:
            same = [(one.database, one.name) == (table.database, table.name) for one in tables]
            if not any(same):
                return [*tables, table]
            return [table if is_same else one for one, is_same in zip(tables, same, strict=True)]

        self._write(reader, put)

    def _drop(self, reader: Reader, *, is_view: bool = False) -> str:
        if_there = reader.takes("IF", "EXISTS")
        at = reader.place
        word = "view" if is_view else "table"
        database, name = reader.table()
        offset = reader.statement.tokens[at].start
        tables = [one for one in self._tables() if one.name == name and database in ("", one.database)]
        if not tables:
            if if_there:
                return said(f"there is no {word} {name}; nothing needs doing")
            if name == BUILT_IN:
                raise reader.statement.error(f"{name} is part of flowdb", reader.statement.start)
            raise reader.statement.error(f"there is no {word} {name}", offset)
        gone = ([one for one in tables if one.database == self._database] or tables)[-1]
        if gone.is_view != is_view:
            raise reader.statement.error(f"{gone.full_name} is a {'table' if is_view else 'view'}", offset)
        check_askers(reader, offset, self._tables(), [gone])
        self._write(reader, lambda tables: [one for one in tables if one != gone])
        return said(f"{gone.full_name} is no {word} any more; its records stay")

    def _drop_database(self, reader: Reader) -> str:
        reader.takes("IF", "EXISTS")
        at = reader.token
        name = reader.name()
        assert at is not None
        tables = [one for one in self._tables() if one.database == name]
        if tables and not reader.takes("CASCADE"):
            raise reader.statement.error(f"{name} has tables; drop them first, or CASCADE", at.start)
        check_askers(reader, at.start, self._tables(), tables)
        if tables:
            self._write(reader, lambda kept: [one for one in kept if one.database != name])
        return said(f"{name} is no database any more")

    def _alter(self, reader: Reader) -> str:
        """Take from the partitions that are added how their values are written; the store has its own."""
        table = self._found(reader)
        for words in (("RENAME",), ("ADD", "COLUMNS"), ("REPLACE", "COLUMNS"), ("CHANGE",)):
            at = reader.token
            if at is not None and reader.takes(*words):
                what = f"ALTER TABLE {' '.join(words)} is not done here; declare the table anew"
                raise reader.statement.error(what, at.start)
        known = {one.name: one for one in table.partitions}
        while not reader.is_done:
            if reader.takes("PARTITION", "("):
                while not reader.takes(")"):
                    at = reader.token
                    name = reader.name()
                    reader.needs("=")
                    value = reader.token.text if reader.token else ""
                    reader.place += 1
                    reader.takes(",")
                    if name not in known and at is not None:
                        raise reader.statement.error(f"{table.name} has no partition column {name}", at.start)
                    pattern = pattern_like(value)
                    if known[name].pattern and pattern and known[name].type == "VARCHAR":
                        known[name] = replace(known[name], pattern=pattern)
            else:
                reader.place += 1
        changed = replace(table, partitions=tuple(known.values()))
        if changed != table and table.database:
            self._write(reader, lambda tables: [changed if one == table else one for one in tables])
        return said("nothing needs doing: every record of the store is in its partition")

    def _repair(self, reader: Reader) -> str:
        self._found(reader)
        return said("nothing needs doing: every record of the store is in its partition")

    def _nothing(self, reader: Reader) -> str:
        reader.takes("IF", "NOT", "EXISTS")
        return said(f"nothing needs doing: {reader.name()} is there with its first table")

    def _use(self, reader: Reader) -> str:
        self._database = reader.name()
        return said(f"names without a database are of {self._database}")

    def _show_create(self, reader: Reader) -> str:
        table = self._found(reader)
        return rows(
            ("createtab_stmt",),
            [(line,) for line in (table.ddl or f"-- {BUILT_IN} is part of flowdb").splitlines()],
        )

    def _show_tables(self, reader: Reader, *, of_views: bool = False) -> str:
        database = reader.name() if reader.takes("IN") or reader.takes("FROM") else ""
        found = [one for one in self._tables() if database in ("", one.database)]
        names = {one.name for one in found if one.is_view or not of_views}
        names |= set() if of_views else {BUILT_IN}
        if reader.token is not None:
            # Hive's patterns: any text, or one of several.
            pattern = re.escape(reader.string()).replace(r"\*", ".*").replace(r"\|", "|")
            names = {one for one in names if re.fullmatch(pattern, one)}
        return rows(("views" if of_views else "tab_name",), [(one,) for one in sorted(names)])

    def _show_databases(self, _: Reader) -> str:
        names = {one.database for one in self._tables()} | {_DEFAULT}
        return rows(("database_name",), [(one,) for one in sorted(names)])

    def _show_partitions(self, reader: Reader) -> str:
        table = self._found(reader)
        cells = [
            f"{quote_text(one.name + '=')} || coalesce(records.{quote_name(one.name)}::VARCHAR, '')"
            for one in table.partitions
        ]
        if not cells:
            return said(f"{table.name} has no partitions")
        view = f"{quote_name(table.database or 'main')}.{quote_name(table.name)}"
        joined = " || '/' || ".join(cells)
        return f"SELECT DISTINCT {joined} AS partition FROM {view} AS records ORDER BY partition"

    def _describe(self, reader: Reader) -> str:
        for word in ("FROM", "IN", "EXTENDED", "FORMATTED"):
            reader.takes(word)
        table = self._found(reader)
        cells = [
            (one.name, one.type.lower(), "", "a column of its query" if table.query else one.shows)
            for one in table.columns
        ]
        cells += [(one.name, one.type.lower(), "partition", one.shows) for one in table.partitions]
        return rows(("col_name", "data_type", "key", "shows"), cells)


def _there_already(table: Table) -> str:
    word = "VIEW" if table.is_view else "TABLE"
    return f"{table.full_name} is there already, declared otherwise; DROP {word} it"


def _same_text(one: str, other: str) -> bool:
    """Tell whether two statements are the same but for space, comments and IF NOT EXISTS."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    words = [token.text for statement in athena.split(text) for token in statement.tokens]
    # After CREATE TABLE, or CREATE EXTERNAL TABLE.
    for place in (2, 3):
        if [one.upper() for one in words[place : place + 3]] == ["IF", "NOT", "EXISTS"]:
            return [*words[:place], *words[place + 3 :]]
    return words


def _comes_back(table: Table, tables: Sequence[Table]) -> bool:
    """Tell whether a query asks itself, or what asks it."""
    reached = [table]
    for one in reached:
        asked = [other for other in tables if one.asks(other)]
        if any((other.database, other.name) == (table.database, table.name) for other in asked):
            return True
        reached += [other for other in asked if other not in reached]
    return False
