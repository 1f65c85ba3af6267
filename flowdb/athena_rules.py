"""Rewrites the tree of an Athena query to what DuckDB does the same with, from the leaves up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from zoneinfo import available_timezones

from sqlglot import exp

from flowdb.athena_functions import functions
from flowdb.athena_kinds import DAYS, Kinds
from flowdb.time_formats import FormatUnknown, has_year, of_joda, of_mysql

__all__ = ["Rules", "Untranslatable", "names_columns"]

_Rule = Callable[[exp.Anonymous, list[exp.Expression]], exp.Expression]
_FIELDS = {"DAYOFWEEK": "DAY_OF_WEEK", "DAYOFYEAR": "DAY_OF_YEAR", "WEEKOFYEAR": "WEEK"}
_CASTS = {"ip": ("athena_ip", "athena_try_ip"), "zoned": ("utc", "utc")}
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_SHOWN_TIME = "%Y-%m-%d %H:%M:%S.%g"


class Untranslatable(Exception):
    """A function or clause without a translation; `offset` is where it stands in its statement, if known."""

    def __init__(self, what: str, offset: int | None = None) -> None:
        self.offset = offset
        super().__init__(what)


def names_columns(tree: exp.Expression) -> None:
    """Give the columns of a query that have no name those that Athena gives them: _col0, _col1."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if not isinstance(select, exp.Select):
        return
    named = []
    for number, one in enumerate(select.expressions):
        has_name = isinstance(one, exp.Alias | exp.Column | exp.Star) or one.is_star
        name = exp.to_identifier(f"_col{number}")
        named.append(one if has_name else exp.Alias(this=one.copy(), alias=name))
    select.set("expressions", named)


class Rules:
    """What is to be done to a tree; `columns` are the kinds of the columns of its tables."""

    def __init__(self, tree: exp.Expression, columns: Mapping[str, str]) -> None:
        self._tree = tree
        self._kinds = Kinds(tree, columns)
        self.zoned = frozenset(
            number
            for number, one in enumerate(getattr(tree, "selects", []))
            if self._kinds.of(one) == "zoned"
        )
        self._special: dict[str, _Rule] = {
            "all_match": lambda _, args: _counted(exp.EQ, args, _call("len", args[0])),
            "any_match": lambda _, args: _counted(exp.GT, args, exp.Literal.number(0)),
            "none_match": lambda _, args: _counted(exp.EQ, args, exp.Literal.number(0)),
            "approx_distinct": self._approx_distinct,
            "array_join": lambda _, args: _call(f"athena_array_join{'_null' * (len(args) == 3)}", *args),
            "cardinality": self._cardinality,
            "concat": self._concat,
            "contains": self._contains,
            "current_timestamp": lambda _node, _args: _call("athena_now"),
            "date_add": lambda _, args: _call("athena_date_add", *args),
            "date_format": lambda _, args: _call("strftime", args[0], _format(args, of_mysql)),
            "date_parse": lambda _, args: _parsed(args, of_mysql),
            "element_at": lambda _, args: exp.Bracket(
                this=_closed(args[0]), expressions=[args[1].copy()], offset=1
            ),
            "format": self._format,
            "format_datetime": lambda _, args: _call("strftime", args[0], _format(args, of_joda)),
            "from_unixtime": self._from_unixtime,
            "greatest": self._extreme,
            "least": self._extreme,
            "localtimestamp": lambda _node, _args: _call("athena_now"),
            "map": lambda _, args: _call("map", *args),
            "map_agg": lambda _, args: _call("map", *(_call("array_agg", one.copy()) for one in args)),
            "parse_datetime": lambda _, args: _parsed(args, of_joda),
            "reduce": self._reduce,
            "regexp_extract": lambda _, args: _call("athena_regexp_extract", *_filled(args, 3, "0")),
            "regexp_replace": lambda _, args: _call("athena_regexp_replace", *_filled(args, 3, "")),
            "replace": lambda _, args: _call("replace", *_filled(args, 3, "")),
            "to_iso8601": self._to_iso8601,
            "try": lambda _, args: _call("try", *args),
        }
        self._arities = {
            "all_match": (2, 2),
            "any_match": (2, 2),
            "none_match": (2, 2),
            "approx_distinct": (1, 2),
            "array_join": (2, 3),
            "cardinality": (1, 1),
            "concat": (1, -1),
            "contains": (2, 2),
            "current_timestamp": (0, 1),
            "date_add": (3, 3),
            "date_format": (2, 2),
            "date_parse": (2, 2),
            "element_at": (2, 2),
            "format": (1, -1),
            "format_datetime": (2, 2),
            "from_unixtime": (1, 3),
            "greatest": (1, -1),
            "least": (1, -1),
            "localtimestamp": (0, 1),
            "map": (0, 2),
            "map_agg": (2, 2),
            "parse_datetime": (2, 2),
            "reduce": (4, 4),
            "regexp_extract": (2, 3),
            "regexp_replace": (2, 3),
            "replace": (2, 3),
            "to_iso8601": (1, 1),
            "try": (1, 1),
        }

    def apply(self) -> list[Untranslatable]:
        """Rewrite the tree; return what could not be, which stays as it is."""
        wrong: list[Untranslatable] = []
        for node in list(self._kinds.nodes):
            try:
                new = self._rewritten(node)
            except Untranslatable as error:
                wrong.append(error)
                continue
            if new is not node:
                self._kinds.keep(node, new)
                node.replace(new)
        return wrong

    def _rewritten(self, node: exp.Expression) -> exp.Expression:
        """Return what stands for a node whose children have been rewritten."""
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        if isinstance(node, exp.Div):
            return self._divided(node)
        if isinstance(node, exp.Add | exp.Sub):
            return self._dated(node)
        if isinstance(node, exp.Cast):
            return self._cast(node)
        if isinstance(node, exp.Extract):
            return self._extract(node)
        if isinstance(node, exp.CurrentDate):
            return exp.cast(_call("athena_now"), "DATE")
        if isinstance(node, exp.CurrentTimestamp | exp.Localtimestamp):
            return _call("athena_now")
        if isinstance(node, exp.AtTimeZone):
            return _call("athena_at_timezone", node.this.copy(), node.args["zone"].copy())
        if isinstance(node, exp.IgnoreNulls) and isinstance(node.this, exp.Anonymous):
            return _ignoring(node.this)
        if isinstance(node, exp.Interval):
            return _interval(node)
        if isinstance(node, exp.Filter | exp.Window):
            return self._summed(node) if self._is_wide(node) else node
        if isinstance(node, (*_COMPARED, exp.Between, exp.In)):
            return self._compared(node)
        return node

    def _call(self, node: exp.Anonymous) -> exp.Expression:
        name, args = node.name.lower(), list(node.expressions)
        offset = node.meta.get("start")
        known = functions().get(name)
        special = self._special.get(name)
        if known is None and special is None:
            raise Untranslatable(f"the function {name} has no translation", offset)
        least, most = self._arities[name] if special else (known.least, known.most)  # type: ignore[union-attr]
        if len(args) < least or len(args) > most >= 0:
            expected = f"{least}" if least == most else f"{least} or more" if most < 0 else f"{least} to {most}"
            raise Untranslatable(
                f"the function {name} with {len(args)} arguments has no translation; it takes {expected} here",
                offset,
            )
        if special is None:
            assert known is not None
            node.set("this", known.target)
            return self._summed(node) if self._is_wide(node) else node
        try:
            return special(node, args)
        except FormatUnknown as error:
            raise Untranslatable(f"{name}: {error}", offset) from error
        except Untranslatable as error:
            error.offset = offset if error.offset is None else error.offset
            raise

    def _is_wide(self, node: exp.Expression) -> bool:
        """Tell whether an expression is a sum of integers, which DuckDB makes wider than they are."""
        inner = node
        while isinstance(inner, exp.Filter | exp.Window):
            inner = inner.this
        return inner.name.lower() == "sum" and self._kinds.of(node) == "int"

    def _summed(self, node: exp.Expression) -> exp.Expression:
        """Return a sum of integers as the bigint that Trino has it."""
        if isinstance(node.parent, exp.Filter | exp.Window):
            return node
        return exp.cast(node.copy(), "BIGINT")

    def _divided(self, node: exp.Div) -> exp.Expression:
        left, right = self._kinds.of(node.left), self._kinds.of(node.right)
        parts = {"this": node.left.copy(), "expression": node.right.copy()}
        if left == right == "int":
            return exp.IntDiv(**parts)
        if {left, right} & {"double", "decimal"}:
            return node
        return _call("athena_divide", *parts.values())

    def _dated(self, node: exp.Add | exp.Sub) -> exp.Expression:
        """Return a sum; a date that days are added to stays a date."""
        span = next((one for one in (node.right, node.left) if isinstance(one, exp.Interval)), None)
        if self._kinds.of(node) == "date" and span is not None and str(span.unit).upper() in DAYS:
            return exp.cast(node.copy(), "DATE")
        return node

    def _cast(self, node: exp.Cast) -> exp.Expression:
        kind, inner = self._kinds.of(node), self._kinds.of(node.this)
        is_try = isinstance(node, exp.TryCast)
        if kind == "zoned" or (kind == "ts" and isinstance(node.this, exp.Literal)):
            if isinstance(node.this, exp.Literal) and (zone := re.search(r"\s([A-Za-z_]+(/\S+)?)\Z", node.this.name)):
                if zone[1] not in available_timezones():
                    raise Untranslatable(f"{zone[1]!r} is no time zone")
                clock = exp.Literal.string(node.this.name[: zone.start()])
                return _call("athena_with_timezone", exp.cast(clock, "TIMESTAMP"), exp.Literal.string(zone[1]))
            return _call("utc", node.this.copy())
        if kind in _CASTS:
            return _call(_CASTS[kind][is_try], node.this.copy())
        if kind == "prefix":
            return exp.cast(node.this.copy(), "TEXT")
        if kind == "text" and inner in ("ts", "zoned"):
            zone_mark = " UTC" if inner == "zoned" else ""
            return _call("strftime", node.this.copy(), exp.Literal.string(_SHOWN_TIME + zone_mark))
        if kind == "ts":
            node.set("to", exp.DataType.build("TIMESTAMP", dialect="duckdb"))
        return node

    def _extract(self, node: exp.Extract) -> exp.Expression:
        field = node.this.name.upper()
        call = exp.Anonymous(this=_FIELDS.get(field, field).lower(), expressions=[node.expression.copy()])
        return self._call(call)

    def _compared(self, node: exp.Expression) -> exp.Expression:
        """Return a comparison, of addresses by their order, of an absent field with `-`, of a day with `24`."""
        others = [node.args.get(name) for name in ("expression", "low", "high")]
        values = [one for one in [*others, *node.args.get("expressions", [])] if one is not None]
        sides = [node.this, *values]
        if "ip" in map(self._kinds.of, sides):
            for side in sides:
                side.replace(_call("ip_key", exp.cast(side.copy(), "TEXT")))
            return node
        column = next((one for one in sides if isinstance(one, exp.Column)), None)
        texts = [one.name for one in sides if isinstance(one, exp.Literal) and one.is_string]
        if column is None or not texts:
            return node
        if "-" in texts and not isinstance(node, exp.Between):
            column.replace(_call("coalesce", column.copy(), exp.Literal.string("-")))
        elif column.name.lower() == "day" and all(re.fullmatch(r"\d{1,2}", one) for one in texts):
            column.replace(_call("right", column.copy(), exp.Literal.number(2)))
        return node

    def _approx_distinct(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        return _call("count", exp.Distinct(expressions=[args[0].copy()]))

    def _cardinality(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        return _call("cardinality" if self._kinds.of(args[0]) == "map" else "len", *args)

    def _concat(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        """Return texts or lists put together; one that is NULL makes the whole NULL, as in Trino."""
        joined = args[0].copy() if len(args) == 1 else None
        for one in args:
            closed = _closed(one)
            joined = closed if joined is None else exp.DPipe(this=joined, expression=closed)
        return exp.Paren(this=joined) if len(args) > 1 else args[0].copy()

    def _contains(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        holder, item = map(self._kinds.of, args)
        if holder == "array":
            return _call("list_contains", *args)
        if item == "ip" or holder in ("text", "prefix"):
            return _call("in_cidr", *reversed(args))
        return _call("athena_contains", *args)

    def _from_unixtime(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        moment = _call("athena_from_unixtime", args[0])
        if len(args) == 1:
            return moment
        if len(args) == 2:
            return _call("athena_at_timezone", moment, args[1])
        span = [_call("athena_span", exp.Literal.string(unit), one) for unit, one in zip(("hour", "minute"), args[1:], strict=True)]
        return exp.Paren(this=exp.Add(this=exp.Add(this=moment, expression=span[0]), expression=span[1]))

    def _extreme(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        """Return the largest or smallest, which is NULL in Trino where any of them is."""
        if len(args) == 1 or not any(isinstance(one, exp.Column) or one.find(exp.Column) for one in args):
            return node
        absent: exp.Expression = exp.Is(this=_closed(args[0]), expression=exp.null())
        for one in args[1:]:
            absent = exp.Or(this=absent, expression=exp.Is(this=_closed(one), expression=exp.null()))
        return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Paren(this=absent)), true=node.copy())])

    def _reduce(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        items, first, step, last = args
        if not (isinstance(last, exp.Lambda) and last.this.sql() == last.expressions[0].sql()):
            raise Untranslatable("reduce is translated only where its last argument is s -> s")
        return _call("list_reduce", items, step, first)

    def _to_iso8601(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        kind = self._kinds.of(args[0])
        if kind == "date":
            return exp.cast(args[0].copy(), "TEXT")
        zone = "Z" if kind == "zoned" else ""
        return _call("strftime", args[0], exp.Literal.string(f"%Y-%m-%dT%H:%M:%S.%g{zone}"))

    def _format(self, node: exp.Anonymous, args: list[exp.Expression]) -> exp.Expression:
        """Return a format of Java as texts that are put together, each with one of the values."""
        pieces: list[exp.Expression] = []
        values = list(args[1:])
        for match in re.finditer(r"%%|%n|%([-,+ 0]*)(\d*)(?:\.(\d+))?([sdfxXeb])|[^%]+|%", _literal(args, 0)):
            if match[4] is None:
                if match[0] == "%":
                    raise Untranslatable("the format has a part that cannot be translated")
                pieces.append(exp.Literal.string({"%%": "%", "%n": "\n"}.get(match[0], match[0])))
                continue
            if not values:
                raise Untranslatable("the format has more parts than there are values")
            pieces.append(_formatted(values.pop(0), match))
        return self._concat(node, pieces) if pieces else exp.Literal.string("")


def _formatted(value: exp.Expression, match: re.Match[str]) -> exp.Expression:
    """Return a value as a part of a Java format has it."""
    flags, width, digits, kind = match[1], match[2], match[3], match[4]
    if kind == "s":
        value = exp.cast(value.copy(), "TEXT")
    elif kind in "fe":
        value, digits = exp.cast(value.copy(), "DOUBLE"), digits or "6"
    else:
        value = value.copy()
    mark = f"{{:{'' if '-' not in flags else '<'}{'>' if kind == 's' and width and '-' not in flags else ''}"
    mark += f"{'+' if '+' in flags else ''}{'0' if '0' in flags else ''}{width}{',' if ',' in flags else ''}"
    mark += f".{digits}" if digits else ""
    return _call("format", exp.Literal.string(f"{mark}{kind}}}"), value)


def _call(name: str, *args: exp.Expression) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[one.copy() if one.parent else one for one in args])


def _closed(node: exp.Expression) -> exp.Expression:
    """Return a copy of an expression that is one thing to what stands beside it."""
    copy = node.copy()
    return exp.Paren(this=copy) if isinstance(copy, exp.Binary | exp.Unary | exp.Case | exp.Predicate) else copy


def _filled(args: list[exp.Expression], length: int, text: str) -> list[exp.Expression]:
    """Return arguments with what the last of them is where it is left out."""
    missing = exp.Literal.number(text) if text.isdigit() else exp.Literal.string(text)
    return args if len(args) == length else [*args, missing]


def _literal(args: list[exp.Expression], place: int) -> str:
    if not isinstance(args[place], exp.Literal):
        raise Untranslatable("the format has to be written out in the query")
    return str(args[place].name)


def _format(args: list[exp.Expression], of: Callable[[str], str]) -> exp.Expression:
    return exp.Literal.string(of(_literal(args, 1)))


def _parsed(args: list[exp.Expression], of: Callable[[str], str]) -> exp.Expression:
    """Return a text read by a format; without a year it is of 1970, as in Trino."""
    form = of(_literal(args, 1))
    if has_year(form):
        return _call("strptime", args[0], exp.Literal.string(form))
    text = exp.DPipe(this=exp.Literal.string("1970 "), expression=_closed(args[0]))
    return _call("strptime", text, exp.Literal.string(f"%Y {form}"))


def _counted(compare: type[exp.Binary], args: list[exp.Expression], count: exp.Expression) -> exp.Expression:
    """Return how many of a list fulfil a condition, compared with a number."""
    return exp.Paren(this=compare(this=_call("len", _call("list_filter", *args)), expression=count))


def _ignoring(call: exp.Anonymous) -> exp.Expression:
    """Return a window function that skips NULL, which DuckDB is told between the parentheses."""
    inside = ", ".join(one.sql(dialect="duckdb", identify=True, normalize_functions=False) for one in call.expressions)
    return exp.Anonymous(this=call.name, expressions=[exp.Var(this=f"{inside} IGNORE NULLS")])


def _interval(node: exp.Interval) -> exp.Expression:
    """Return an interval as DuckDB reads it; of those with two units, year to month."""
    if isinstance(node.unit, exp.IntervalSpan):
        years, _, months = str(node.this.name).partition("-")
        if str(node.unit.this).upper() != "YEAR" or not months.isdigit():
            raise Untranslatable("an interval of days to seconds cannot be translated")
        return exp.Interval(this=exp.Literal.string(str(int(years) * 12 + int(months))), unit=exp.Var(this="MONTH"))
    if isinstance(node.this, exp.Neg):
        return exp.Interval(this=exp.Literal.string(f"-{node.this.this.name}"), unit=node.unit.copy())
    return node
