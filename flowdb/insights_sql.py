"""Translates queries of CloudWatch Logs Insights to SQL over the view `flows`; text in, text out.

Each command that changes rows is a query over the one before it. Which columns are shown, and
in which order the rows come, is kept beside, and said once, at the end.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flowdb.errors import DialectError
from flowdb.insights import parse, trouble
from flowdb.insights_expressions import Expressions
from flowdb.insights_fields import EVENT_ORDER, SOURCE_COLUMNS, column, event_field, log_field
from flowdb.insights_json import item as item_of
from flowdb.insights_patterns import captures, glob_pattern, rejection
from flowdb.insights_tree import (
    Call,
    Command,
    Dedup,
    Expression,
    Fields,
    Filter,
    Item,
    Limit,
    Name,
    Parse,
    Period,
    Sort,
    Stats,
)
from flowdb.insights_values import (
    NOTHING,
    ROWS,
    Type,
    Value,
    as_text,
    flat,
    is_constant,
    is_known,
    natural_order,
    shown,
)
from flowdb.quoting import quote_name, quote_text

__all__ = ["DEFAULT_ROWS", "MOST_ROWS", "Translation", "translate"]

DEFAULT_ROWS = 10_000
"""The rows of a query that has no `limit`."""
MOST_ROWS = 100_000
"""The most rows that a `limit` can ask for."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A query as SQL, and the names in it that are those of no field, and so of nothing.

    `beyond` is SQL that gives a row if there are more rows than `DEFAULT_ROWS`, which cut the
    answer then; None where they cannot.
    """

    sql: str
    unknown: tuple[str, ...]
    beyond: str | None


def translate(
    query: str,
    *,
    layouts: Sequence[str] = (),
    extra: Collection[str] = (),
    limit: bool = True,
    now: int | None = None,
) -> Translation:
    """Return a query of Logs Insights as SQL; raise `DialectError` where it has no translation.

    `layouts` are those of the sources in the store, which `@message` shows, and `extra` the
    columns of `flows` that no format of AWS has. Without `limit` there are as many rows as there are.
    """
    if "\0" in query:
        raise trouble(query, query.index("\0"), "a null character")
    commands = parse(query)
    made = _Pipeline(query, layouts, extra, limit, int(time.time()) if now is None else now)
    try:
        for command in commands:
            made.add(command)
        return Translation(made.finished(), tuple(made.unknown), made.beyond())
    except RecursionError:
        raise trouble(query, commands[0].at, "the query is nested too deeply") from None


class _Pipeline:
    """A query as far as it is translated."""

    def __init__(
        self, query: str, layouts: Sequence[str], extra: Collection[str], is_limited: bool, now: int
    ) -> None:
        self._query = query
        self._layouts = layouts
        self._extra = extra
        self._is_limited = is_limited
        self._now = now
        self.unknown: dict[str, None] = {}
        self._layers: list[tuple[str, str]] = []
        self._columns = 0
        self._named: dict[str, Value] = {}
        self._known: list[tuple[Expression, Value]] = []
        self._is_grouped = False
        self._shown: dict[str, Value] = {}
        self._is_chosen = self._is_displayed = self._has_limit = self._is_single = False
        self._ties: Sequence[str] = EVENT_ORDER
        self._show_default()
        self._order = [f"{self._shown['@timestamp'].sql} DESC NULLS LAST"]

    def add(self, command: Command) -> None:
        """Translate one command."""
        match command:
            case Fields():
                self._add_fields(command)
            case Filter():
                self._layer("*", f"WHERE {self._expressions().condition(command.condition)}")
            case Stats():
                self._add_stats(command)
            case Sort():
                self._add_sort(command)
            case Limit():
                self._add_limit(command)
            case Dedup():
                self._add_dedup(command)
            case Parse():
                self._add_parse(command)

    def finished(self) -> str:
        """Return the whole query."""
        end = "" if self._has_every_row else f" LIMIT {DEFAULT_ROWS}"
        listed = ", ".join(f"{shown(value)} AS {quote_name(name)}" for name, value in self._shown.items())
        made = self._nested([*self._layers, (listed, f"ORDER BY {self._ordering()}{end}")])
        return made.removeprefix("(").removesuffix(f") AS {ROWS}")

    def beyond(self) -> str | None:
        """Return what has a row if the query has more rows than are shown, or None if it cannot."""
        if self._has_every_row or self._is_single:
            return None
        return f"SELECT 1 FROM {self._nested(self._layers)} LIMIT 1 OFFSET {DEFAULT_ROWS}"

    @property
    def _has_every_row(self) -> bool:
        return self._has_limit or not self._is_limited

    def _nested(self, layers: Sequence[tuple[str, str]]) -> str:
        """Return layers, each a query over the one before it, as what a query can be from."""
        text = " ".join(part for layer in layers for part in layer)
        made = f"flows AS {ROWS}"
        if any(column(name) in text for name in SOURCE_COLUMNS):
            of_source = ", ".join(f"{one} AS {quote_name(name)}" for name, one in SOURCE_COLUMNS.items())
            sources = f"(SELECT source_id, {of_source} FROM sources)"
            made = f"(SELECT * FROM flows LEFT JOIN {sources} USING (source_id)) AS {ROWS}"
        for chosen, rest in layers:
            made = f"(SELECT {chosen} FROM {made} {rest}) AS {ROWS}"
        return made

    def _trouble(self, at: int, reason: str) -> DialectError:
        return trouble(self._query, at, reason)

    def _expressions(
        self, fresh: Mapping[str, Value] | None = None, offset: Period | None = None
    ) -> Expressions:
        """Return what translates expressions; `fresh` are names that the command itself has given so far."""
        field = partial(self._field, fresh=fresh or {})
        return Expressions(self._trouble, field, self._known, self._now, offset)

    def _field(self, node: Name, fresh: Mapping[str, Value]) -> Value:
        """Return the field of a name; one that no record has is nothing, but after `stats` an error.

        What a command names does not hide, in the same command, what had that name before.
        """
        if found := self._named.get(node.name):
            return found
        parts = node.name.split(".")
        for n in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:n])
            structure = self._named.get(name) or fresh.get(name)
            if structure is not None and structure.type is Type.JSON:
                return item_of(structure, parts[n:])
        if self._is_grouped and node.name in fresh:
            return fresh[node.name]
        if self._is_grouped:
            names = ", ".join(self._named)
            raise self._trouble(node.at, f"after stats there is no {node.name}; there is {names}")
        found = event_field(node.name, self._extra, self._layouts) or log_field(node.name, self._extra)
        if found is None and node.name not in fresh:
            self.unknown[node.name] = None
        return found or fresh.get(node.name, NOTHING)

    def _layer(self, chosen: str, rest: str = "") -> None:
        self._layers.append((chosen, rest))

    def _new_column(self, value: Value) -> tuple[str, Value]:
        """Return what computes a value as a column of its own, and the value of that column."""
        self._columns += 1
        name = f"_{self._columns}"
        sql = value.sql if is_known(value) else f"{value.sql}::VARCHAR"
        if value.type is Type.BOOLEAN:
            sql = f"coalesce({sql}, false)"
        kind = value.type if is_known(value) else Type.TEXT
        return f"{sql} AS {quote_name(name)}", Value(column(name), kind)

    def _ordering(self) -> str:
        """Return what orders the rows, ties broken by what is shown of them."""
        others = [shown(one) for name, one in self._shown.items() if name != "@message" and is_known(one)]
        return ", ".join(dict.fromkeys([*self._order, *self._ties, *others]))

    def _show_default(self) -> None:
        for name in ("@timestamp", "@message"):
            self._shown[name] = self._field(Name(0, name), {})

    def _add_fields(self, command: Fields) -> None:
        found: dict[str, Value] = {}
        named: dict[str, Value] = {}
        for item in command.items:
            value = self._plain(self._expressions(named), item)
            if not isinstance(item.value, Name):
                text, value = self._new_column(value)
                self._layer(f"*, {text}")
            found[item.name] = value
            if item.is_named:
                named[item.name] = value
        self._named |= named
        if command.is_display:
            self._shown = found
        elif not self._is_displayed:
            self._shown = (self._shown if self._is_chosen else {}) | found
        self._is_chosen = True
        self._is_displayed = self._is_displayed or command.is_display

    def _plain(self, expressions: Expressions, item: Item) -> Value:
        value = expressions.value(item.value)
        if value.type is Type.PERIOD:
            raise self._trouble(item.at, "a length of time is no value")
        return value

    def _add_stats(self, command: Stats) -> None:
        if command.offset is not None and not any(_is_bin(item.value) for item in command.groups):
            raise self._trouble(command.offset.at, "offset is for what is grouped by bin()")
        expressions = self._expressions(offset=command.offset)
        groups: list[tuple[Expression, Value]] = []
        named: dict[str, Value] = {}
        known: list[tuple[Expression, Value]] = []
        computed, order = [], []
        for item in command.groups:
            value = flat(self._plain(expressions, item))
            groups.append((item.value, value))
            text, made = self._new_column(value)
            computed.append(text)
            named[item.name] = made
            known.append((item.value, made))
            order.append(f"{made.sql} {'DESC' if made.type is Type.TIME else 'ASC'} NULLS LAST")
        for item in command.items:
            text, made = self._new_column(expressions.aggregate(item.value, groups))
            computed.append(text)
            named[item.name] = made
            known.append((item.value, made))
        places = ", ".join(str(n) for n in range(1, len(groups) + 1))
        self._layer(", ".join(computed), f"GROUP BY {places}" if groups else "")
        self._named, self._shown = named, dict(named)
        self._known = [one for one in known if not isinstance(one[0], Name)]
        self._is_grouped = self._is_chosen = True
        self._is_single = not groups
        self._is_displayed = self._has_limit = False
        # Times from the newest on, as events are; what groups have the same of comes in its own order.
        self._order = sorted(order, key=lambda key: " DESC " not in key)
        self._ties = [made.sql for _, made in known[: len(groups)]]

    def _add_sort(self, command: Sort) -> None:
        expressions = self._expressions()
        self._order = []
        for key in command.keys:
            value = flat(expressions.value(key.value))
            if value.type is Type.PERIOD:
                raise self._trouble(key.at, "a length of time is nothing to sort by")
            direction = "DESC" if key.is_descending else "ASC"
            if not is_known(value) or is_constant(value):
                continue
            if "(" in value.sql:  # not everything that is computed can order a window
                text, value = self._new_column(value)
                self._layer(f"*, {text}")
            self._order += [f"{one} {direction} NULLS LAST" for one in natural_order(value)]

    def _add_limit(self, command: Limit) -> None:
        if self._is_limited and command.rows > MOST_ROWS:
            raise self._trouble(
                command.at, f"Logs Insights gives {MOST_ROWS:,} rows at most; more are for --no-limit"
            )
        rows = min(command.rows, 2**63 - 1)
        if command.is_tail:
            numbered = f"row_number() OVER (ORDER BY {self._ordering()})"
            self._layer("*", f"QUALIFY {numbered} > count(*) OVER () - {rows}")
        else:
            self._layer("*", f"ORDER BY {self._ordering()} LIMIT {rows}")
        self._has_limit = True

    def _add_dedup(self, command: Dedup) -> None:
        """Keep the first row for every combination of values; those that lack one are all kept."""
        values = [flat(self._expressions().value(name)) for name in command.names]
        keys = [one.sql for one in values if is_known(one)]
        if len(keys) < len(values):
            return
        missing = " OR ".join(f"{key} IS NULL" for key in keys)
        numbered = f"row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY {self._ordering()})"
        self._layer("*", f"QUALIFY {numbered} = 1 OR {missing}")

    def _add_parse(self, command: Parse) -> None:
        text = as_text(self._expressions().value(command.value or Name(command.at, "@message")))
        if "(" in text:
            sql, value = self._new_column(Value(text, Type.TEXT))
            self._layer(f"*, {sql}")
            text = value.sql
        if command.is_regex:
            if reason := rejection(command.pattern):
                raise self._trouble(command.pattern_at, f"no regular expression that flowdb knows: {reason}")
            pattern, found = captures(command.pattern)
            if not found:
                raise self._trouble(command.pattern_at, "the pattern names no group, such as (?<name>[0-9]+)")
        else:
            pattern = glob_pattern(command.pattern)
            found = [(name, n) for n, name in enumerate(command.names, 1)]
        if not found:
            return
        quoted = quote_text(pattern)
        # All groups at once: one by one, DuckDB has no more than nine.
        groups = ", ".join(quote_text(str(n)) for n in range(1, max(n for _, n in found) + 1))
        taken = f"regexp_extract({text}, {quoted}, [{groups}])"
        self._columns += 1
        parts = f"_{self._columns}"
        self._layer(f"*, CASE WHEN regexp_matches({text}, {quoted}) THEN {taken} END AS {quote_name(parts)}")
        for name, number in found:
            value = Value(f"{column(parts)}.{quote_name(str(number))}", Type.TEXT)
            self._named[name] = value
            if not self._is_displayed:
                self._shown[name] = value


def _is_bin(node: Expression) -> bool:
    return isinstance(node, Call) and node.name == "bin"
