"""Nodes of DuckDB's SQL, made of those of an Athena query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.time_formats import has_year

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = [
    "CHECKED",
    "ZONED",
    "Untranslatable",
    "call",
    "closed",
    "cut_text",
    "filled",
    "formatted",
    "ignoring",
    "interval",
    "ip_key",
    "moment",
    "offset_of",
    "parsed",
    "strftime_format",
    "tried",
    "unchecked",
    "unit_of_time",
    "written_out",
]

ZONED = "athena_at_timezone"
"""The macro for a time that is shown in a zone."""
CHECKED = ("athena_ip", "athena_try_ip")
"""The macros for a text that is to be an address."""
_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_AGGREGATES = ("sum", "count", "avg", "min", "max", "count_if", "array_agg", "arbitrary", "approx_percentile")


class Untranslatable(Exception):
    """A function or clause without a translation; `offset` is where it stands in its statement, if known."""

    def __init__(self, what: str, offset: int | None = None) -> None:
        self.offset = offset
        super().__init__(what)


def formatted(value: Expr, match: re.Match[str]) -> Expr:
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
    return call("format", exp.Literal.string(f"{mark}{kind}}}"), value)


def call(name: str, *args: Expr) -> exp.Anonymous:
    """Return the call of a function; arguments that have a place already are copied."""
    return exp.Anonymous(this=name, expressions=[one.copy() if one.parent else one for one in args])


def closed(node: Expr) -> Expr:
    """Return a copy of an expression that is one thing to what stands beside it."""
    copy = node.copy()
    return (
        exp.Paren(this=copy) if isinstance(copy, exp.Binary | exp.Unary | exp.Case | exp.Predicate) else copy
    )


def filled(args: list[Expr], length: int, text: str) -> list[Expr]:
    """Return arguments with what the last of them is where it is left out."""
    missing = exp.Literal.number(text) if text.isdigit() else exp.Literal.string(text)
    return args if len(args) == length else [*args, missing]


def written_out(args: list[Expr], place: int) -> str:
    """Return the text of an argument, or raise `Untranslatable` where it is computed."""
    if not isinstance(args[place], exp.Literal):
        raise Untranslatable("the format has to be written out in the query")
    return str(args[place].name)


def strftime_format(args: list[Expr], of: Callable[[str], str]) -> Expr:
    """Return the second argument, a format, as DuckDB has it."""
    return exp.Literal.string(of(written_out(args, 1)))


def parsed(args: list[Expr], of: Callable[[str], str]) -> Expr:
    """Return a text read by a format; without a year it is of 1970, as in Trino."""
    form = of(written_out(args, 1))
    text: Expr = args[0]
    if not has_year(form):
        text, form = exp.DPipe(this=exp.Literal.string("1970 "), expression=closed(text)), f"%Y {form}"
    moment = call("strptime", text, exp.Literal.string(form))
    # What says its offset would be a time with a zone.
    return call("timezone", exp.Literal.string("UTC"), moment) if "%z" in form else moment


def offset_of(node: Expr) -> int | None:
    """Return where the first name below a node stands, or else one above it."""
    found = [one.meta["start"] for one in node.walk() if "start" in one.meta]
    if found:
        return int(min(found))
    return offset_of(node.parent) if node.parent is not None else None


def cut_text(text: Expr, *places: Expr) -> Expr:
    """Return a part of a text; DuckDB's own function does where it begins at a place that is written out."""
    if all(isinstance(one, exp.Literal) and one.is_int for one in places) and places[0].name != "0":
        return call("substr", text, *places)
    length = places[1] if len(places) == 2 else call("length", text.copy())
    return call("athena_substr", text, places[0], length)


def unit_of_time(name: Expr) -> Expr:
    """Return the name of a unit, or raise `Untranslatable` where it is written out and none."""
    if isinstance(name, exp.Literal) and name.name.lower() not in _UNITS:
        raise Untranslatable(f"{name.name!r} is no unit of time; expected one of {', '.join(_UNITS)}")
    return name


def ignoring(call: exp.Anonymous) -> Expr:
    """Return a window function that skips NULL, which DuckDB is told between the parentheses."""
    inside = ", ".join(
        one.sql(dialect="duckdb", identify=True, normalize_functions=False) for one in call.expressions
    )
    return exp.Anonymous(this=call.name, expressions=[exp.Var(this=f"{inside} IGNORE NULLS")])


def interval(node: exp.Interval) -> Expr:
    """Return an interval as DuckDB reads it; of those with two units, year to month."""
    if isinstance(node.unit, exp.IntervalSpan):
        years, _, months = str(node.this.name).partition("-")
        if str(node.unit.this).upper() != "YEAR" or not months.isdigit():
            raise Untranslatable("an interval of days to seconds cannot be translated")
        return exp.Interval(
            this=exp.Literal.string(str(int(years) * 12 + int(months))), unit=exp.Var(this="MONTH")
        )
    if isinstance(node.this, exp.Neg):
        return exp.Interval(this=exp.Literal.string(f"-{node.this.this.name}"), unit=node.args["unit"].copy())
    return node


def ip_key(node: Expr) -> Expr:
    """Return what has the order of an address."""
    return call("ip_key", exp.cast(unchecked(node).copy(), "TEXT"))


def moment(node: Expr) -> Expr:
    """Return the moment of a time that is shown in a zone: that is what is compared."""
    inner = node.unnest()
    return inner.expressions[0] if isinstance(inner, exp.Anonymous) and inner.name == ZONED else node


def unchecked(node: Expr) -> Expr:
    """Return an address before it was checked to be one: what is none is in no range and no order."""
    is_checked = isinstance(node, exp.Anonymous) and node.name in CHECKED
    return node.expressions[0] if is_checked else node


def tried(value: Expr) -> Expr:
    """Return what is tried; DuckDB tries no aggregates, of which a division by zero is what may fail."""
    if not any(one.name.lower() in _AGGREGATES for one in value.find_all(exp.Anonymous)):
        value = value.copy()
        for checked in list(value.find_all(exp.Anonymous)):
            # What raises an error cannot be tried.
            checked.set("this", {CHECKED[0]: CHECKED[1]}.get(checked.name, checked.name))
        return call("try", value)
    made = exp.Paren(this=value.copy())
    for one in list(made.find_all(exp.Div, exp.IntDiv, exp.Mod)):
        one.set("expression", call("nullif", one.expression.copy(), exp.Literal.number(0)))
    for called in list(made.find_all(exp.Anonymous)):
        if called.name in ("athena_divide", "athena_mod"):
            divisor = call("nullif", called.expressions[1].copy(), exp.Literal.number(0))
            called.set("expressions", [called.expressions[0], divisor])
    return made
