"""Alarms: an analysis over the newest window of a store, and a condition on its rows that makes one fire.

A condition may be somebody else's, who wrote `alerts.toml`: it is one expression, and is asked as a
query is. Whoever opens the store in a sandbox has it read nothing else.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flowdb.analyses import Analysis, find_analysis
from flowdb.datasets import FLOWS
from flowdb.errors import QueryError, UsageError, shortened
from flowdb.groups import Groups, without_groups
from flowdb.quantities import age
from flowdb.quoting import quote_text

if TYPE_CHECKING:
    import duckdb

__all__ = ["WINDOW", "Alert", "Ask", "Firing", "alert", "checked", "fire", "newest", "read_alerts"]

WINDOW = timedelta(minutes=5)
"""How much of the newest time an alarm looks at."""
_KEYS = ("name", "analysis", "when", "window", "params", "key")
_MOST_SAID = 300
_BOUNDS = ("since", "until")
# Numbers that tell what a row is about; all others are measured, and differ from one window to the next.
_NAMING = re.compile(r"(src|dst)?port|(addr|peer|client|server)_port|protocol")

Ask = Callable[[str, object], "duckdb.DuckDBPyRelation"]
"""`FlowDB.sql` of the store that is asked."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alarm: `when` is a condition on the columns of the analysis, `values` are its parameters.

    `key` are the columns that tell one trouble from another; before `checked`, those that were named.
    `told_as` is what its troubles are remembered by.
    """

    name: str
    analysis: Analysis
    when: str
    window: timedelta
    values: Mapping[str, object]
    key: tuple[str, ...] = ()
    told_as: str = ""


@dataclass(frozen=True, slots=True)
class Firing:
    """A row that makes an alarm fire, in a window of time in UTC, its end excluded."""

    alert: Alert
    since: datetime
    until: datetime
    row: Mapping[str, object]

    @property
    def key(self) -> dict[str, object]:
        """What the trouble is: it is another one if this differs."""
        return {name: self.row[name] for name in self.alert.key}

    def facts(self) -> dict[str, object]:
        """Return what there is to tell, for JSON."""
        return {
            "alert": self.alert.name,
            "analysis": self.alert.analysis.name,
            "since": str(self.since),
            "until": str(self.until),
            "row": dict(self.row),
        }


def alert(
    analysis: str,
    when: str,
    *,
    name: str | None = None,
    window: timedelta | str = WINDOW,
    params: Mapping[str, object] | None = None,
    key: Sequence[str] = (),
    groups: Groups = dict,
) -> Alert:
    """Return an alarm, or raise `UsageError` for what can be seen to be wrong without a store.

    Every row of the analysis is looked at, unless `params` say `top`; they may name `groups`.
    """
    found = find_analysis(analysis)
    known = {one.name: one for one in found.parameters}
    if not known.keys() >= set(_BOUNDS):
        raise UsageError(f"{found.name} takes no since and until, so it has no newest window to look at")
    values = dict(params or {})
    for bound in _BOUNDS:
        if bound in values:
            raise UsageError(f"{found.name}: {bound} is that of the window, and no parameter here")
    if "top" in known and known["top"].takes_none:
        values.setdefault("top", None)
    # Each of these may be what the other gets wrong.
    span = age(window)
    if not span:
        raise UsageError(f"{window!r} is no time; expected a window such as 5m")
    asked = [f"{one}={value}" for one, value in sorted(values.items())]
    values = without_groups(found, values, groups)
    found.query(values)
    _check_expression(when)
    told_as = name or ", ".join([found.name, when, str(span), *asked, *key])
    return Alert(name or found.name, found, when, span, values, tuple(key), told_as)


def read_alerts(path: Path, groups: Groups = dict) -> list[Alert]:
    """Return the alarms of a file in TOML, each a table `[[alert]]`, or raise `UsageError`.

    A text is `all` where a number of rows may be every row; other values are TOML's own.
    """
    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read ({error.strerror or error})") from error
    except RecursionError as error:
        raise UsageError(f"{path}: it is nested too deeply") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: it is no TOML ({error})") from error
    tables = content.pop("alert", None)
    if content:
        raise UsageError(f"{path}: no key {next(iter(content))!r} is known; expected tables [[alert]]")
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"{path}: there is no alert; expected tables [[alert]]")
    alerts: list[Alert] = []
    for number, table in enumerate(tables, 1):
        name = table.get("name") if isinstance(table, dict) else None
        who = f"{path}: alert {name!r}" if isinstance(name, str) and name else f"{path}: alert {number}"
        try:
            found = _of_table(table, groups)
            if found.name in {one.name for one in alerts}:
                raise UsageError("there are two of this name")
        except UsageError as error:
            raise UsageError(f"{who}: {error}") from error
        alerts.append(found)
    return alerts


def checked(ask: Ask, one: Alert) -> Alert:
    """Return an alarm whose condition and key the store's columns have; raises `UsageError` if not."""
    try:
        result = ask(*_query(one, {}, f"({one.when}\n) AS fires, *", limit=" LIMIT 0"))
        ask(*_query(one, {}, "*", f" WHERE ({one.when}\n)", limit=" LIMIT 0"))
    except QueryError as error:
        # What the analysis alone fails with is not the condition's.
        ask(*_query(one, {}, "*", limit=" LIMIT 0"))
        said = str(error) if len(str(error)) <= _MOST_SAID else f"{str(error)[:_MOST_SAID]}..."
        raise UsageError(f"{shortened(one.when)} is no condition on {one.analysis.name}: {said}") from error
    kinds = {name: str(kind) for name, kind in zip(result.columns, result.types, strict=True)}
    if kinds.pop(result.columns[0]) != "BOOLEAN":
        raise UsageError(f"{shortened(one.when)} is a value and no condition, such as attempts > 100")
    for name in one.key:
        if name not in kinds:
            raise UsageError(f"{one.analysis.name} has no column {name!r}; it has: {', '.join(kinds)}")
    naming = (name for name, kind in kinds.items() if kind == "VARCHAR" or _NAMING.fullmatch(name))
    return replace(one, key=one.key or tuple(naming))


def newest(ask: Ask) -> datetime | None:
    """Return the end of a store's newest window: the whole minute after the start of its newest record.

    None if it has no record.
    """
    query = f"SELECT max(last_start) FROM files WHERE kind = {quote_text(FLOWS.kind)}"
    last = ask(query, None).fetchall()[0][0]
    if last is None:  # the catalogue of an earlier version does not say it
        last = ask(f"SELECT max(start_time) FROM {FLOWS.view}", None).fetchall()[0][0]
    if last is None:
        return None
    try:
        return last.replace(second=0, microsecond=0) + timedelta(minutes=1)  # type: ignore[no-any-return]
    except OverflowError:  # in the last minute of all
        return datetime.max


def fire(ask: Ask, one: Alert, until: datetime) -> list[Firing]:
    """Return the rows for which the condition of a checked alarm is true, in the analysis's order."""
    import duckdb

    since = until - min(one.window, until - datetime.min)
    query, bound = _query(one, {"since": since, "until": until}, "to_json(answer)", f" WHERE ({one.when}\n)")
    try:
        found = ask(query, bound).fetchall()
    except duckdb.Error as error:
        raise QueryError(str(error), query) from error
    # A number that is none is not JSON.
    rows = (json.loads(text, parse_constant=lambda _: None) for (text,) in found)
    return [Firing(one, since, until, row) for row in rows]


def _query(
    one: Alert, bounds: Mapping[str, object], columns: str, where: str = "", limit: str = ""
) -> tuple[str, dict[str, object]]:
    query, bound = one.analysis.query({**one.values, **bounds})
    return f"SELECT {columns} FROM (SELECT * FROM ({query}){limit}) AS answer{where}", bound


def _check_expression(when: str) -> None:
    """Raise `UsageError` for what is not one expression, alone and in parentheses."""
    import duckdb

    try:
        duckdb.SQLExpression(when)
        # What ends the parentheses and opens others is none; a comment ends with its line.
        if len(duckdb.extract_statements(f"SELECT ({when}\n)")) != 1:
            raise UsageError(f"{shortened(when)} is not one condition")
    except duckdb.Error as error:
        raise UsageError(f"{shortened(when)} is not one condition, such as attempts > 100") from error


def _of_table(table: object, groups: Groups) -> Alert:
    if not isinstance(table, dict):
        raise UsageError("it is no table; write [[alert]] above it")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"no key {key!r} is known; there are: {', '.join(_KEYS)}")
    for key in ("name", "analysis", "when"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise UsageError(f"{key} is {shortened(table.get(key))}; expected a text")
    params, key = table.get("params", {}), table.get("key", [])
    if not isinstance(params, dict):
        raise UsageError(f"params is {shortened(params)}; expected a table such as {{top = 3}}")
    if not isinstance(key, list) or not all(isinstance(one, str) for one in key):
        raise UsageError(f"key is {shortened(key)}; expected a list of columns")
    known = {one.name: one for one in find_analysis(table["analysis"]).parameters}
    values = {
        name: None if value == "all" and name in known and known[name].type == "INTEGER" else value
        for name, value in params.items()
    }
    return alert(
        table["analysis"],
        table["when"],
        name=table["name"],
        window=table.get("window", WINDOW),
        params=values,
        key=key,
        groups=groups,
    )
