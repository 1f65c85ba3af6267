"""`FlowDB`: a store as a person uses it from Python, with one method for each verb and each analysis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from flowdb.analyses import analyses, called_statements, find_analysis
from flowdb.asking import Asking
from flowdb.connections import Connections
from flowdb.dialects import ASKED, TRINO
from flowdb.errors import (
    FlowdbError,
    QueryError,
    StoreMissing,
    UsageError,
)
from flowdb.groups import without_groups
from flowdb.keeping import Keeping
from flowdb.methods import method
from flowdb.naming import Naming
from flowdb.nearest import meant
from flowdb.noting import Noting
from flowdb.opening import open_store
from flowdb.placing import Placing
from flowdb.quantities import age
from flowdb.reporting import Reporting
from flowdb.results import Result
from flowdb.store import GRACE, Store, own
from flowdb.urls import is_url, place_of
from flowdb.watching import Watching

if TYPE_CHECKING:
    import duckdb

    from flowdb.athena_answers import Answer
    from flowdb.ingest import IngestReport
    from flowdb.meter import Meter
    from flowdb.readable import Readable

__all__ = ["FlowDB", "listed_analyses"]


class FlowDB(Asking[Result], Keeping, Naming, Noting, Placing, Reporting, Watching):
    """A store of flow logs. Every question is answered from the newest commit, and by DuckDB.

    Results are `duckdb.DuckDBPyRelation`: `.fetchall()`, `.df()`, `.pl()`, `.arrow()`,
    `.show()`; and `.plot()`, a chart. With `names=True` there is a column of names, of `flowdb.toml`,
    beside each of ids. Each analysis is a method, with its parameters as keywords:
    `db.top_talkers(by="pair", top=20)`, and computes its rows at once where `top` is up to 10,000.
    Not for more than one thread.

    Files that a commit takes out of the store are kept for `grace`, by default a day, for those
    who still read an older commit. In a `sandbox` SQL can only read, and nothing but the store:
    no other file, no network, no extension; what does not fit into memory fails. It is for
    queries that somebody else wrote.

    The path may be the URL of a store that was uploaded, or of a lake, which a cluster wrote; these,
    and a lake on a disk, are read only. `storage` has the options of the URL's fsspec file system, as
    `ingest` takes them. `path` then is the folder of what is small of it, and `place` the URL.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = "flows",
        *,
        grace: timedelta | str = GRACE,
        sandbox: bool = False,
        storage: Mapping[str, object] | None = None,
    ) -> None:
        self._grace = age(grace)
        place = place_of(path)
        self._sandbox = sandbox
        self._connections = Connections(is_sandbox=sandbox)
        self._notes: list[str] = []
        self._beyond: tuple[duckdb.DuckDBPyConnection, str] | None = None
        self._answered: tuple[Answer, object] | None = None
        self._store: Readable | None
        try:
            self._store = open_store(place, self._grace, storage)
        except StoreMissing:
            if is_url(place):
                raise
            self._store = None
        self.path = Path(place) if self._store is None else self._store.root
        self.place = place if self._store is None else self._store.place
        if self._store is not None:
            self._store.refresh()

    def ingest(
        self,
        *sources: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002 -- AWS's own name for it
        workers: int | None = None,
        watch: Callable[[Meter], None] | None = None,
        since: object = None,
        until: object = None,
        accounts: str | Iterable[str] = (),
        regions: str | Iterable[str] = (),
        storage: Mapping[str, object] | None = None,
        replace: bool = False,
        compact: bool = True,
        rollups: bool = True,
    ) -> IngestReport:
        """Bring the flow logs in files, folders, glob patterns and behind URLs into the store, as one commit.

        The store is made if there is none. Sources that it has already are skipped, and one
        that cannot be read is a failure in the report; so is one whose content has changed since,
        unless it is to `replace` what the store has of it. A date that has too many files then
        is compacted, if `compact`. Hourly sums, which make many an answer faster,
        are kept beside the records, if `rollups`. `format` says which fields records
        without a header have: AWS's `${version} ${account-id} ...`, `default`, `tgw`, or names.
        `watch` is called about ten times a second with how far it is; `workers` is the number
        of threads, by default one a core.

        `since`, `until`, `accounts` and `regions` choose objects by the folders and names that
        AWS gives them, so that others are not even listed: no records are filtered, and
        those of a day before and after may come with them. `storage` has the options of the
        URLs' fsspec file systems: for S3 `profile`, `region`, `endpoint_url`, `anon`,
        `requester_pays` and what else `s3fs.S3FileSystem` takes.
        """
        from flowdb.ingest import ingest
        from flowdb.keys import Choice
        from flowdb.layouts import LayoutUnknown, format_layout

        if not sources:
            raise UsageError("name a file, a folder or a pattern to ingest")
        if workers is not None and workers < 1:
            raise UsageError(f"workers is {workers}; expected 1 or more")
        try:
            layout = None if format is None else format_layout(format)
        except LayoutUnknown as error:
            raise UsageError(str(error)) from error
        choice = Choice.of(since, until, accounts, regions)
        report = ingest(
            self._opened_for_writing,
            sources,
            layout=layout,
            workers=workers,
            watch=watch,
            choice=choice,
            storage=storage,
            replace=replace,
            rollups=rollups,
        )
        if compact and report.commit is not None:
            self._compact_crowded(report, watch, rollups)
        return report

    def sql(
        self,
        query: str,
        params: object = None,
        *,
        dialect: str = "duckdb",
        limit: bool = True,
        names: bool = False,
    ) -> Result:
        """Return the result of a query; `params` are the values of its `?`, `$1` or `$name`.

        The `dialect` is `duckdb`, or `athena`, `trino` or `presto`, where of several statements the
        last gives the result, or `insights` for the language of CloudWatch Logs Insights, whose
        limits on rows hold unless `limit` is false. Raises `QueryError` where DuckDB refuses
        the query, or the sandbox does, and of these `DialectError` for one that has no translation.
        The rows are computed when they are fetched, and what fails then is an error of DuckDB's own;
        `placed` tells where in a query of Athena that is.
        With `names` there is a column of names beside each of ids, of a query in DuckDB's SQL.
        What else is to be said of the query is in `notes`.
        """
        return Result(self._answer(query, params, dialect, limit, names))

    def _answer(
        self, query: str, params: object, dialect: str, limit: bool, names: bool
    ) -> duckdb.DuckDBPyRelation:
        if names and dialect != "duckdb":
            raise UsageError("names are for the dialect duckdb")
        self._notes, self._beyond, self._answered = [], None, None
        _check_text(query)
        if dialect not in ASKED:
            raise UsageError(f"dialect is {dialect!r}; expected one of: {', '.join(ASKED)}")
        if dialect in TRINO:
            given = [*self.results(query, params, dialect=dialect)]
            if not given:
                raise QueryError("the query is empty", query)
            return given[-1]
        connection = self._connections.of(self._opened)
        if dialect == "insights":
            if params is not None:
                raise UsageError("a query of Logs Insights takes no params")
            from flowdb.insights_query import translated

            made = translated(connection, query, limit=limit)
            self._notes = [f"no record has a field named {name}" for name in made.unknown]
            self._beyond = None if made.beyond is None else (connection, made.beyond)
            query = made.sql
        return self._asked(connection, self._named(query, params) if names else query, params)

    def results(
        self, text: str, params: object = None, *, dialect: str = "athena", as_shown: bool = False
    ) -> Iterator[duckdb.DuckDBPyRelation]:
        """Run the statements of a text one by one, and yield the result of each.

        With `as_shown` times are texts, as Athena shows them.
        """
        _check_text(text)
        if dialect not in TRINO:
            raise UsageError(f"dialect is {dialect!r}; expected one of: duckdb, {', '.join(TRINO)}")
        from flowdb.athena_answers import shown_times
        from flowdb.athena_scripts import Script

        self._notes, self._beyond, self._answered = [], None, None

        def ask(answer: Answer) -> duckdb.DuckDBPyRelation:
            connection = self._connections.of(self._opened)
            for statement in called_statements(answer.sql):
                connection.execute(statement)
            try:
                return self._asked(connection, answer.sql, params)
            except QueryError as error:
                if (told := self._placed(answer, params, error)) is error:
                    raise
                raise told from error

        for answer in Script(text, lambda: self._opened, ask, is_sandbox=self._sandbox, notes=self._notes):
            result = ask(answer)
            self._answered = (answer, params)
            yield shown_times(result, answer.kinds) if as_shown else result

    def render(
        self, analysis: str, *, dialect: str = "athena", table: str = "flows", **values: object
    ) -> str:
        """Return an analysis with these values as a query for another engine: `athena`, `trino` or `spark`.

        `table` names the table of the records there, which `flowdb ddl` defines.
        """
        from flowdb.rendering import render

        values = without_groups(find_analysis(analysis), values, self._groups)
        return render(analysis, values, dialect=dialect, table=table)

    def ddl(self, location: str, *, dialect: str = "athena", table: str = "flows", lake: bool = False) -> str:
        """Return the statements that make tables in another engine: of an uploaded store, or of a `lake`."""
        from flowdb.external_tables import ddl

        return ddl(dialect, location, table, of_lake=lake)

    def analyses(self) -> Result:
        """Return the analyses: name, topic, what each answers, and its parameters."""
        return Result(listed_analyses())

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection that is asked, for magics and libraries: its views show the newest commit.

        A later commit shows when it is asked for again. In a sandbox there is none to be had.
        """
        if self._sandbox:
            raise UsageError("a sandbox gives no connection: it looks at every query")
        connection = self._connections.of(self._opened)
        self._know(connection, "names")
        return connection

    def interrupt(self) -> None:
        """End the query that another thread is waiting for."""
        self._connections.interrupt()

    def close(self) -> None:
        """Close the store; relations that came of it can be used no more."""
        self._connections.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> FlowDB:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"FlowDB({self.place!r})"

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *analyses()]

    if not TYPE_CHECKING:  # to which Asking tells the methods

        def __getattr__(self, name: str) -> Callable[..., Result]:
            analysis = analyses().get(name)
            if analysis is None:
                near = "" if name.startswith("_") else meant(name, dir(self))
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{near}")
            return method(self, analysis)

    @property
    def _opened_for_writing(self) -> Store:
        if self._store is None:
            self._store = Store.create(self.path, self._grace)
        return own(self._store)

    @property
    def _opened(self) -> Readable:
        if self._store is None:
            self._store = open_store(str(self.path), self._grace)
        return self._store

    def _compact_crowded(
        self, report: IngestReport, watch: Callable[[Meter], None] | None, rollups: bool
    ) -> None:
        """Compact the dates that have too many files; that it failed is a note, for the ingest did not."""
        from flowdb.tiers import crowded

        assert report.commit is not None
        choose = crowded(report.commit)
        if not choose(self._own.catalog.files()):
            return
        from flowdb.compact import compact

        try:
            report.files_compacted = compact(self._own, choose, watch, rollups=rollups).files_before
        except (FlowdbError, OSError) as error:
            report.notes.append(f"not compacted: {error}")

    def _called(self, query: str, params: Mapping[str, object]) -> duckdb.DuckDBPyRelation:
        """Return the result of an analysis; a short one is computed at once: DuckDB plans it once then."""
        self._notes, self._beyond, self._answered = [], None, None
        call = query.removeprefix("FROM ")
        if find_analysis(call.partition("(")[0]).is_short(params):
            query = f"CALL {call}"
        return self._asked(self._connections.of(self._opened), query, dict(params) or None, is_own=True)

    def _asked(
        self, connection: duckdb.DuckDBPyConnection, query: str, params: object, *, is_own: bool = False
    ) -> duckdb.DuckDBPyRelation:
        """Return the result of a query in DuckDB's SQL; one of flowdb's own is not checked in a sandbox."""
        import duckdb

        try:
            if not connection.extract_statements(query):
                raise QueryError("the query is empty", query)
            if self._sandbox and not is_own:
                from flowdb.sandbox import check

                check(connection, query)
            self._know(connection, query)
            result = connection.sql(query, params=params)
            # A statement without a result, such as SET, gives none.
            return result if result is not None else connection.sql("SELECT true AS done")
        except duckdb.Error as error:
            raise (self._opened.failure(error) or QueryError(str(error), query)) from error

    def _in_duckdb(self, query: str, dialect: str) -> str:
        """Return one query in DuckDB's SQL; Athena's may do nothing but read."""
        if dialect not in ASKED:
            raise UsageError(f"dialect is {dialect!r}; expected one of: {', '.join(ASKED)}")
        if dialect == "insights":
            from flowdb.insights_query import translated

            return translated(self._connections.of(self._opened), query).sql
        if dialect in TRINO:
            from flowdb.athena_scripts import Script

            script = Script(query, lambda: self._opened)
            if len(script.statements) != 1:
                raise UsageError("what costs is one query: a SELECT")
            return next(iter(script)).sql
        return query


def _check_text(query: object) -> None:
    if not isinstance(query, str):
        raise UsageError(f"a query is a text, not {type(query).__name__}")


def listed_analyses() -> duckdb.DuckDBPyRelation:
    """Return the analyses, which need no store to be listed."""
    rows = [
        (one.name, one.topic, one.summary, ", ".join(parameter.name for parameter in one.parameters))
        for one in analyses().values()
    ]
    marks = ", ".join(["(?, ?, ?, ?)"] * len(rows))
    query = f"SELECT * FROM (VALUES {marks}) AS analyses (name, topic, summary, parameters)"
    return _memory().sql(query, params=[value for row in rows for value in row])


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to no store; a relation does not keep its own alive."""
    import duckdb

    return duckdb.connect()
