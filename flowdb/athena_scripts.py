"""Runs texts of Athena statements on a store: queries, and what declares and shows tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowdb import athena
from flowdb.athena import Statement, Translation
from flowdb.athena_kinds import kind_of_type
from flowdb.athena_places import place_of
from flowdb.athena_tables import Reader, pattern_like, table_of
from flowdb.datasets import DATASETS
from flowdb.errors import DialectError, QueryError
from flowdb.own_tables import BUILT_IN, Table, built_in, read_tables, write_tables
from flowdb.quoting import quote_name, quote_text
from flowdb.store import Store

if TYPE_CHECKING:
    import duckdb

__all__ = ["Answer", "Script", "shown_times"]

_DEFAULT = "default"
_QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "(", "EXPLAIN")
_NOT_HERE = ("INSERT", "UPDATE", "DELETE", "MERGE", "UNLOAD", "VACUUM", "OPTIMIZE", "PREPARE", "EXECUTE")


class Answer:
    """What one statement gives: a query in DuckDB's SQL, and which of its columns have times with a zone."""

    def __init__(self, statement: Statement, sql: str, zoned: frozenset[int] = frozenset()) -> None:
        self.statement = statement
        self.sql = sql
        self.zoned = zoned

    def refused(self, error: QueryError, said: str) -> DialectError:
        """Return the error for what DuckDB refused, at the place that is told by what it `said`."""
        offset = place_of(self.statement, self.sql, said)
        return self.statement.error(str(error), offset, self.sql)


class Script:
    """The statements of a text, which are run one by one; a store is given where there is one.

    `is_sandbox` refuses what would change the store.
    """

    def __init__(self, text: str, store: Callable[[], Store], *, is_sandbox: bool = False) -> None:
        self.statements = athena.split(text)
        self._store = store
        self._is_sandbox = is_sandbox
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
            raise statement.error(f"{first} changes what a store cannot change", statement.start)
        if first == "CREATE":
            what = "CREATE makes an EXTERNAL TABLE here; ask the query of a view or of another table itself"
            raise statement.error(what, statement.start)
        raise statement.error(f"{first} is not known here", statement.start)

    def _commands(self) -> list[tuple[tuple[str, ...], Callable[[Reader], str]]]:
        return [
            (("CREATE", "EXTERNAL", "TABLE"), self._create),
            (("CREATE", "DATABASE"), self._nothing),
            (("CREATE", "SCHEMA"), self._nothing),
            (("DROP", "TABLE"), self._drop),
            (("DROP", "DATABASE"), self._drop_database),
            (("DROP", "SCHEMA"), self._drop_database),
            (("ALTER", "TABLE"), self._alter),
            (("MSCK", "REPAIR", "TABLE"), self._repair),
            (("SHOW", "CREATE", "TABLE"), self._show_create),
            (("SHOW", "TABLES"), self._show_tables),
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
        return Answer(statement, explains + translation.sql, translation.zoned)

    def _translated(self, statement: Statement) -> Translation:
        tables = self._tables()
        names: dict[tuple[str, str], tuple[str, str]] = {}
        words = {one.text.lower() for one in statement.tokens}
        for database in words:
            names[(database, BUILT_IN)] = ("main", BUILT_IN)
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
        store = self._store()
        with store.writer("athena-table"):
            write_tables(store.root, change(read_tables(store.root)))
            store.generate()

    def _create(self, reader: Reader) -> str:
        if_absent = reader.takes("IF", "NOT", "EXISTS")
        layouts = Counter[str]()
        for one in self._store().catalog.sources():
            layouts[one.layout] += one.records
        formats = [tuple(layout.split()) for layout, _ in layouts.most_common() if layout]
        table = table_of(reader, formats, self._database or _DEFAULT)
        there = [one for one in self._tables() if (one.database, one.name) == (table.database, table.name)]
        if there and if_absent and there[0].ddl != table.ddl:
            return _said(f"{_full(table)} is there already, declared otherwise; DROP TABLE it first")
        if there and there[0].ddl == table.ddl:
            # What ADD PARTITION told of them.
            table = replace(table, partitions=there[0].partitions)
        same = (table.database, table.name)
        if table not in there:
            self._write(
                reader, lambda tables: [*(one for one in tables if (one.database, one.name) != same), table]
            )
        rows = [(_full(table), one.name, one.type, one.shows) for one in (*table.columns, *table.partitions)]
        return _rows(("table", "column", "type", "shows"), rows)

    def _drop(self, reader: Reader) -> str:
        if_there = reader.takes("IF", "EXISTS")
        at = reader.place
        database, name = reader.table()
        tables = [one for one in self._tables() if one.name == name and database in ("", one.database)]
        if not tables:
            if if_there:
                return _said(f"there is no table {name}; nothing needs doing")
            reader.place = at
            if name == BUILT_IN:
                raise reader.statement.error(f"{name} is part of flowdb", reader.statement.start)
            self._found(reader)
        gone = ([one for one in tables if one.database == self._database] or tables)[-1]
        self._write(reader, lambda tables: [one for one in tables if one != gone])
        return _said(f"{_full(gone)} is no table any more; its records stay")

    def _drop_database(self, reader: Reader) -> str:
        reader.takes("IF", "EXISTS")
        at = reader.token
        name = reader.name()
        tables = [one for one in self._tables() if one.database == name]
        if tables and not reader.takes("CASCADE"):
            assert at is not None
            raise reader.statement.error(f"{name} has tables; drop them first, or CASCADE", at.start)
        if tables:
            self._write(reader, lambda kept: [one for one in kept if one.database != name])
        return _said(f"{name} is no database any more")

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
        return _said("nothing needs doing: every record of the store is in its partition")

    def _repair(self, reader: Reader) -> str:
        self._found(reader)
        return _said("nothing needs doing: every record of the store is in its partition")

    def _nothing(self, reader: Reader) -> str:
        reader.takes("IF", "NOT", "EXISTS")
        return _said(f"nothing needs doing: {reader.name()} is there with its first table")

    def _use(self, reader: Reader) -> str:
        self._database = reader.name()
        return _said(f"names without a database are of {self._database}")

    def _show_create(self, reader: Reader) -> str:
        table = self._found(reader)
        return _rows(
            ("createtab_stmt",),
            [(line,) for line in (table.ddl or f"-- {BUILT_IN} is part of flowdb").splitlines()],
        )

    def _show_tables(self, reader: Reader) -> str:
        database = reader.name() if reader.takes("IN") or reader.takes("FROM") else ""
        names = {one.name for one in self._tables() if database in ("", one.database)} | {BUILT_IN}
        if reader.token is not None:
            # Hive's patterns: any text, or one of several.
            pattern = re.escape(reader.string()).replace(r"\*", ".*").replace(r"\|", "|")
            names = {one for one in names if re.fullmatch(pattern, one)}
        return _rows(("tab_name",), [(one,) for one in sorted(names)])

    def _show_databases(self, _: Reader) -> str:
        names = {one.database for one in self._tables()} | {_DEFAULT}
        return _rows(("database_name",), [(one,) for one in sorted(names)])

    def _show_partitions(self, reader: Reader) -> str:
        table = self._found(reader)
        cells = [
            f"{quote_text(one.name + '=')} || coalesce(records.{quote_name(one.name)}::VARCHAR, '')"
            for one in table.partitions
        ]
        if not cells:
            return _said(f"{table.name} has no partitions")
        view = f"{quote_name(table.database or 'main')}.{quote_name(table.name)}"
        joined = " || '/' || ".join(cells)
        return f"SELECT DISTINCT {joined} AS partition FROM {view} AS records ORDER BY partition"

    def _describe(self, reader: Reader) -> str:
        for word in ("FROM", "IN", "EXTENDED", "FORMATTED"):
            reader.takes(word)
        table = self._found(reader)
        rows = [(one.name, one.type.lower(), "", one.shows) for one in table.columns]
        rows += [(one.name, one.type.lower(), "partition", one.shows) for one in table.partitions]
        return _rows(("col_name", "data_type", "key", "shows"), rows)


def shown_times(result: duckdb.DuckDBPyRelation, zoned: frozenset[int]) -> duckdb.DuckDBPyRelation:
    """Return a result with its times as Athena shows them: to the millisecond, some with their zone."""
    if "TIMESTAMP" not in map(str, result.types):
        return result
    cells = []
    for place, (name, kind) in enumerate(zip(result.columns, result.types, strict=True)):
        zone = " UTC" if place in zoned else ""
        form = quote_text(f"%Y-%m-%d %H:%M:%S.%g{zone}")
        cell = f"strftime(#{place + 1}, {form})" if str(kind) == "TIMESTAMP" else f"#{place + 1}"
        cells.append(f"{cell} AS {quote_name(name)}")
    return result.project(", ".join(cells))


def _full(table: Table) -> str:
    return f"{table.database}.{table.name}"


def _said(sentence: str) -> str:
    return _rows(("result",), [(sentence,)])


def _rows(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    """Return the query that gives these texts."""
    columns = ", ".join(map(quote_name, names))
    values = ", ".join(f"({', '.join(map(quote_text, row))})" for row in rows)
    if not rows:
        return f"SELECT {', '.join(f'NULL::VARCHAR AS {quote_name(name)}' for name in names)} WHERE false"
    return f"SELECT * FROM (VALUES {values}) AS found ({columns})"
