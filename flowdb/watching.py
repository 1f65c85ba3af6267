"""What `FlowDB` tells of a question beside its answer: that it is an alarm, and what it would cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from flowdb.analyses import Analysis, analyses, named_by
from flowdb.errors import FlowdbError, UsageError
from flowdb.groups import without_groups
from flowdb.parameters import moment
from flowdb.readable import Readable
from flowdb.results import Result

if TYPE_CHECKING:
    import duckdb

    from flowdb.alerts import Firing
    from flowdb.cost import Question

__all__ = ["Watching"]


class Watching:
    """The verbs of `FlowDB` that ask for somebody who does not look at the answer."""

    _notes: list[str]
    _beyond: tuple[duckdb.DuckDBPyConnection, str] | None

    def sql(self, query: str, params: object = None, *, dialect: str = "duckdb") -> duckdb.DuckDBPyRelation:
        """Return the result of a query."""
        raise NotImplementedError

    @property
    def _opened(self) -> Readable:
        raise NotImplementedError

    def _groups(self) -> Mapping[str, Sequence[str]]:
        """Return the ranges of each group."""
        raise NotImplementedError

    def _in_duckdb(self, query: str, dialect: str) -> str:
        """Return a query of another language in DuckDB's SQL."""
        raise NotImplementedError

    def alert(
        self,
        analysis: str,
        when: str,
        *,
        window: timedelta | str = "5m",
        until: object = None,
        params: Mapping[str, object] | None = None,
        key: Sequence[str] = (),
    ) -> list[Firing]:
        """Return the rows of an analysis of the newest window that meet a condition: `attempts > 100`.

        The window ends `until` a time, by default the whole minute after the start of the newest record.
        """
        from flowdb.alerts import alert, checked, fire, newest

        end = newest(self.sql) if until is None else moment(until)
        if until is not None and end is None:
            raise UsageError(f"until is {until!r}; expected a date or a time (UTC)")
        made = alert(analysis, when, window=window, params=params, key=key, groups=self._groups)
        one = checked(self.sql, made)
        return [] if end is None else fire(self.sql, one, end)

    def cost(
        self,
        question: str | None = None,
        params: Mapping[str, object] | None = None,
        *,
        dialect: str = "duckdb",
        region: str = "us-east-1",
        runs_per_day: float = 1,
        prices: str | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Return what a question costs in Athena and Logs Insights, beside the seconds that it takes here.

        The question is the name of an analysis, or a query in a dialect of `sql`; without one it is
        every analysis, with those `params` that it has, and what fails is in `notes`. It is run once.
        There is a row for each way to ask: Athena over the logs as text, over AWS's Parquet (estimated),
        over this store, uploaded; Logs Insights; and here. `prices` is a CSV with item, region and
        amount, which take the place of those in the views `athena_prices` and `prices`.
        """
        from flowdb import cost

        notes: list[str] = []
        amounts = cost.read_prices(self.sql, region, prices)
        questions: Iterable[Question]
        if question is None:
            questions = self._every(params or {})
        elif analysis := named_by(question):
            questions = [self._asked_of(analysis, params or {})]
        else:
            questions = [self._query(question, params, dialect)]

        def skip(name: str, error: FlowdbError) -> None:
            if question is not None:
                raise error
            notes.append(f"{name}: {error}")

        rows = [*cost.bills(self._opened, self.sql, questions, amounts, runs_per_day, skip)]
        notes += cost.remarks(self._opened)
        self._notes, self._beyond = notes, None
        typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in cost.COLUMNS.items())
        if not rows:
            nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in cost.COLUMNS.items())
            return Result(_memory().sql(f"SELECT {nothing} WHERE false"))
        marks = ", ".join(f"({', '.join('?' * len(cost.COLUMNS))})" for _ in rows)
        listed = f"(VALUES {marks}) AS bills ({', '.join(cost.COLUMNS)})"
        values = [value for row in rows for value in cost.cells(row)]
        return Result(_memory().sql(f"SELECT {typed} FROM {listed}", params=values))

    def _every(self, params: Mapping[str, object]) -> Iterator[Question]:
        """Yield every analysis; what it requires and is not given is of the pair that moved most."""
        required = {one.name for each in analyses().values() for one in each.parameters if one.is_required}
        known = {one.name for each in analyses().values() for one in each.parameters}
        for name in params:
            if name not in known:
                raise UsageError(f"no analysis has a parameter {name!r}")
        busiest = self.sql(
            "SELECT srcaddr, dstaddr FROM flows WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL"
            " GROUP BY ALL ORDER BY sum(bytes) DESC, 1, 2 LIMIT 1"
        ).fetchall()
        first, second = busiest[0] if busiest else ("192.0.2.1", "192.0.2.2")
        chosen = {name: second if name in ("b", "target") else first for name in required}
        chosen = {name: [addr] if name.endswith("s") else addr for name, addr in chosen.items()} | {**params}
        for each in analyses().values():
            names = {one.name for one in each.parameters}
            needed = {one.name for one in each.parameters if one.is_required} | params.keys()
            yield self._asked_of(each, {name: chosen[name] for name in needed & names})

    def _asked_of(self, analysis: Analysis, params: Mapping[str, object]) -> Question:
        from flowdb.cost import Question

        query, bound = analysis.query(without_groups(analysis, params, self._groups))
        # A value that is written into the query is seen by the plan.
        written = analysis.call(bound).rstrip(";")
        return Question(analysis.name, written, None, lambda: self.sql(query, bound or None).fetchall())

    def _query(self, query: str, params: Mapping[str, object] | None, dialect: str) -> Question:
        from flowdb.cost import Question

        translated = self._in_duckdb(query, dialect)
        return Question("query", translated, params, lambda: _drain(self.sql(query, params, dialect=dialect)))


def _drain(result: duckdb.DuckDBPyRelation) -> None:
    """Fetch all rows, and keep none."""
    import pyarrow as pa

    for _ in pa.RecordBatchReader.from_stream(result):
        pass


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to no store; a relation does not keep its own alive."""
    import duckdb

    return duckdb.connect()
