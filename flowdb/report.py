"""Asks what a report tells: a headline of the period, and each section's rows and charts.

No more rows are held than the page shows; how many more there are is counted by DuckDB.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flowdb.analyses import find_analysis
from flowdb.beside import with_names
from flowdb.chart_marks import Rows
from flowdb.errors import QueryError, gist
from flowdb.parameters import literal
from flowdb.report_sections import SEVERITIES, Section

if TYPE_CHECKING:
    import duckdb

__all__ = ["Ask", "Chart", "Headline", "Part", "Scope", "headline", "part"]

Ask = Callable[[str], "duckdb.DuckDBPyRelation"]
"""What runs SQL over one commit of the store."""
_BUCKETS = (
    "1 minute",
    "5 minutes",
    "15 minutes",
    "1 hour",
    "6 hours",
    "1 day",
    "7 days",
    "30 days",
    "365 days",
)
_LENGTHS = (1, 5, 15, 60, 360, 1440, 10_080, 43_200, 525_600)
_MOST_BUCKETS = 240
_MOST_DRAWN = 5000
_LACKING = re.compile(r"needs ([\w-]+), a field that no log here has")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records a report is about, how many rows of each table it keeps, and whether with names."""

    since: datetime | None = None
    until: datetime | None = None
    interface_id: str | None = None
    rows: int = 500
    names: bool = False
    bucket: str = "1 hour"

    def over(self, first: datetime | None, last: datetime | None) -> Scope:
        """Return it with buckets of time that fit a period from the first to the last moment."""
        span = timedelta(0) if first is None or last is None else last - first
        fitting = (
            bucket
            for bucket, minutes in zip(_BUCKETS, _LENGTHS, strict=True)
            if span <= timedelta(minutes=minutes * _MOST_BUCKETS)
        )
        return replace(self, bucket=next(fitting, _BUCKETS[-1]))

    @property
    def values(self) -> dict[str, object]:
        """What analyses are given of it."""
        given = {"since": self.since, "until": self.until, "interface_id": self.interface_id}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def window(self) -> str:
        """The condition that a record of `flows` is of it."""
        interface = (
            "" if self.interface_id is None else f" AND flows.interface_id = {literal(self.interface_id)}"
        )
        return f"in_window(date, start_time, {literal(self.since)}, {literal(self.until)}){interface}"


@dataclass(frozen=True, slots=True)
class Headline:
    """What a period has in all; the hours are those of all interfaces together."""

    sql: str
    records: int
    bytes: int
    packets: int
    accepted: int
    refused: int
    nodata: int
    skipdata: int
    interfaces: int
    accounts: int
    first: datetime | None
    last: datetime | None
    hours: int = 0
    hours_missing: int = 0
    gaps: int = 0
    bad_lines: int = 0
    of_gateways: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as Vega-Lite, and the SQL of its rows where they are not those of the table."""

    caption: str
    spec: Mapping[str, Any]
    sql: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What became of a section: rows, or the field that no log has, or why it failed."""

    section: Section
    sql: str
    rows: Rows | None = None
    total: int = 0
    charts: tuple[Chart, ...] = ()
    severities: Mapping[str, int] = field(default_factory=dict)
    lacks: str = ""
    failure: str = ""


_HEADLINE = """SELECT
    count(*) FILTER (WHERE is_traffic(log_status, bytes, srcaddr)) AS records,
    coalesce(total(bytes), 0) AS bytes,
    coalesce(total(packets), 0) AS packets,
    count(*) FILTER (WHERE upper(action) = 'ACCEPT') AS accepted,
    count(*) FILTER (WHERE is_refused(action)) AS refused,
    count(*) FILTER (WHERE upper(log_status) = 'NODATA') AS nodata,
    count(*) FILTER (WHERE upper(log_status) = 'SKIPDATA') AS skipdata,
    count(DISTINCT interface_id) AS interfaces,
    count(DISTINCT account_id) AS accounts,
    min(start_time) AS first_seen,
    max(coalesce(end_time, start_time)) AS last_seen
FROM flows
WHERE {window}"""
_COVERED = """SELECT
    coalesce(sum(hours), 0)::BIGINT AS hours,
    coalesce(sum(hours) FILTER (WHERE state = 'no logs'), 0)::BIGINT AS hours_missing,
    count(*) FILTER (WHERE state = 'no logs') AS gaps
FROM {all}
WHERE interface_id IS NOT NULL"""


def headline(ask: Ask, scope: Scope) -> Headline:
    """Return what the period has in all."""
    sql = _HEADLINE.replace("{window}", scope.window)
    ((*counts, first, last),) = _fetched(ask(sql))
    covered = _COVERED.replace("{all}", _call("coverage", scope.values))
    ((hours, missing, gaps),) = _fetched(ask(covered))
    ((bad_lines,),) = _fetched(ask("SELECT count(*) FROM bad_lines"))
    ((of_gateways,),) = _fetched(ask("SELECT count(*) FROM tgw_flows"))
    counted = (*counts, first, last, hours, missing, gaps, bad_lines, of_gateways)
    return Headline(sql, *counted)


def part(ask: Ask, section: Section, scope: Scope) -> Part:
    """Return what becomes of a section; that it lacks a field or fails is told in it."""
    import duckdb

    sql = _query_of(section, section.query, scope)
    if section.severity:
        sql = _judged(section, scope)
    try:
        return _answered(ask, section, scope, sql)
    except QueryError as error:
        if isinstance(error.__cause__, duckdb.InterruptException):
            raise
        lacking = _LACKING.search(str(error))
        return (
            Part(section, sql, lacks=lacking[1]) if lacking else Part(section, sql, failure=gist(str(error)))
        )


def _query_of(section: Section, query: str, scope: Scope) -> str:
    """Return a query of a section as it is asked, and as a person can paste it."""
    if section.analysis:
        known = {one.name for one in find_analysis(section.analysis).parameters}
        values = {
            name: scope.bucket if value == "{bucket}" else value for name, value in section.values.items()
        }
        values |= {name: value for name, value in scope.values.items() if name in known}
        has_top = "top" in known and "top" not in values
        rows = values | ({"top": scope.rows} if has_top else {})
        every = values | ({"top": None} if has_top else {})
        query = query.replace("{rows}", _call(section.analysis, rows))
        query = query.replace("{all}", _call(section.analysis, every))
    return query.replace("{window}", scope.window).replace("{bucket}", scope.bucket).strip()


def _judged(section: Section, scope: Scope) -> str:
    """Return the query of a section with how much each row matters, what matters most first."""
    order = ", ".join(f"'{severity}'" for severity in SEVERITIES)
    return _query_of(
        section,
        f"FROM (SELECT {section.severity} AS severity, * FROM {{all}})\n"
        f"ORDER BY list_position([{order}], severity), {section.order}",
        scope,
    )


def _answered(ask: Ask, section: Section, scope: Scope, sql: str) -> Part:
    result = ask(sql)
    names, types = tuple(result.columns), tuple(map(str, result.types))
    if scope.names:
        first = f"FROM ({sql}\n) LIMIT {scope.rows + 1}"
        named = with_names(first, dict(zip(names, types, strict=True)), (scope.since, scope.until))
        result = ask(named) if named else result
    fetched = _fetched(result.limit(scope.rows + 1))
    table = Rows(tuple(result.columns), tuple(map(str, result.types)), fetched[: scope.rows])
    rows, table = (
        table.only(names),
        table.only([name for name in table.names if name in names or any(table.column(name))]),
    )
    total = len(fetched)
    severities: Mapping[str, int] = {}
    is_all = total < scope.rows
    if "severity" in names and is_all:
        severities = Counter(rows.column("severity"))
    elif "severity" in names:
        severities = dict(_fetched(ask(f"SELECT severity, count(*) FROM ({sql}) GROUP BY severity")))
        total = sum(severities.values())
    elif not is_all:
        every = _query_of(section, section.query.replace("{rows}", "{all}"), scope)
        total = max(total, _fetched(ask(f"SELECT count(*) FROM ({every})"))[0][0])
    return Part(section, sql, table, total, tuple(_charts(ask, section, scope, rows)), severities)


def _charts(ask: Ask, section: Section, scope: Scope, rows: Rows) -> Iterator[Chart]:
    for figure in section.figures:
        sql = _query_of(section, figure.query, scope) if figure.query else ""
        drawn = figure.draw(_rows(ask(sql)) if sql else rows, section.analysis)
        if drawn is not None:
            spec = drawn.to_dict()
            for key in ("$schema", "config"):
                spec.pop(key, None)
            yield Chart(figure.caption.replace("{bucket}", scope.bucket.removeprefix("1 ")), spec, sql)


def _rows(result: duckdb.DuckDBPyRelation) -> Rows:
    return Rows(tuple(result.columns), tuple(map(str, result.types)), _fetched(result.limit(_MOST_DRAWN)))


def _fetched(result: duckdb.DuckDBPyRelation) -> list[Any]:
    """Return the rows of a result; what fails in computing them is a `QueryError`."""
    import duckdb

    try:
        return result.fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _call(name: str, values: Mapping[str, object]) -> str:
    """Return the call of an analysis as it stands after FROM; its values are checked."""
    analysis = find_analysis(name)
    _, bound = analysis.query(values)
    return analysis.call(bound).removeprefix("FROM ").removesuffix(";")
