"""How a query that is said in full is written for an engine: by rules for nodes and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from flowdb.constants import is_literal
from flowdb.macros import call, closed

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = [
    "COMPARED",
    "FIRST_BUCKET",
    "MOST",
    "STEPS",
    "Change",
    "Rule",
    "Rules",
    "average",
    "concat",
    "is_absent",
    "number",
    "of_unit",
    "text",
    "translated",
    "without_filter",
]

Change = Callable[[Any], Any]
"""What is made of a node."""
Rule = Callable[["list[Expr]"], "Expr"]
"""What is made of the arguments of a function."""
COMPARED = (exp.GT, exp.GTE, exp.LT, exp.LTE)
MOST = exp.Literal.number(2**63 - 1)
"""The largest BIGINT."""
FIRST_BUCKET = 946_857_600_000
"""The Monday with which buckets of time begin, in milliseconds since 1970."""
STEPS = {"HOUR": 3_600_000, "DAY": 86_400_000, "MINUTE": 60_000, "SECOND": 1000}
"""Units of time, and their milliseconds."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an engine's SQL has in place of a kind of node, before and after those below it, and of functions.

    A function that has no rule has another name, if it is among `names`.
    """

    before: Mapping[type[Expr], Change]
    after: Mapping[type[Expr], Change]
    functions: Mapping[str, Rule]
    names: Mapping[str, str]


def translated(node: Expr, rules: Rules) -> Expr:
    """Return a tree by the rules of an engine; the given one is used up."""
    change = rules.before.get(type(node))
    if change is not None:
        node = change(node)
    for key, value in node.args.items():
        if isinstance(value, list):
            node.set(
                key, [translated(one, rules) if isinstance(one, exp.Expression) else one for one in value]
            )
        elif isinstance(value, exp.Expression):
            node.set(key, translated(value, rules))
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        node.set("expressions", [one.unnest() for one in node.expressions])
        rule = rules.functions.get(name)
        if rule is not None:
            return rule(node.expressions)
        node.set("this", rules.names.get(name, name))
        return node
    after = rules.after.get(type(node))
    return node if after is None else after(node)


def number(value: int) -> Expr:
    """Return a whole number."""
    return exp.Literal.number(value)


def text(value: str) -> exp.Literal:
    """Return a text."""
    return exp.Literal.string(value)


def of_unit(count: int, unit: str) -> exp.Interval:
    """Return an interval of so many of a unit."""
    return exp.Interval(this=text(str(count)), unit=exp.Var(this=unit))


def is_absent(node: Expr) -> exp.Is:
    """Return the condition that a value is NULL."""
    return exp.Is(this=closed(node.copy()), expression=exp.null())


def without_filter(node: Any) -> Any:
    """Return a window function without FILTER, which DuckDB alone takes there."""
    if isinstance(node.this, exp.Filter):
        counted = node.this.this
        given = counted.expressions[0]
        value = number(1) if isinstance(given, exp.Star) else given.copy()
        chosen = exp.Case(ifs=[exp.If(this=node.this.expression.this.copy(), true=value)])
        node.set("this", call(counted.name, chosen))
    return node


def average(args: list[Expr]) -> Expr:
    """Return the average of a list that is written out; none of its entries is ever NULL."""
    entries = args[0].expressions
    added = entries[0].copy()
    for one in entries[1:]:
        added = exp.Add(this=added, expression=closed(one.copy()))
    return exp.Div(this=exp.Paren(this=added), expression=number(len(entries)), typed=True, safe=False)


def concat(args: list[Expr]) -> Expr:
    """Return texts put together; one that is NULL counts as empty."""
    return call("concat", *(one if is_literal(one) else call("coalesce", one, text("")) for one in args))
