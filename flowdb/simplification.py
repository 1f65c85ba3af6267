"""Makes an operation simpler of whose operands some are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.constants import is_literal
from flowdb.macros import closed
from flowdb.replacements import is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["only_star", "simplified"]


def simplified(node: Expr) -> Expr:
    """Return a node whose operands are simple already, or what is the same and simpler."""
    if isinstance(node, exp.Paren):
        inner = node.this
        is_one = is_literal(inner) or isinstance(inner, exp.Paren | exp.Anonymous | exp.Column | exp.Case)
        return inner if is_one else node
    if isinstance(node, exp.Not):
        return _negated(node)
    if isinstance(node, exp.Add) and isinstance(node.right, exp.Interval):
        return _earlier(node)
    if isinstance(node, exp.LT) and isinstance(node.left, exp.Column) and node.left.name == "date":
        return _before(node)
    if isinstance(node, exp.EQ) and is_call(node.left, "get_bit"):
        return exp.Anonymous(this="list_contains", expressions=[one.copy() for one in node.left.expressions])
    if is_call(node, "bitstring_agg"):
        return exp.Anonymous(this="list", expressions=[node.expressions[0].copy()])
    return node


def _negated(node: exp.Not) -> Expr:
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Boolean):
        return exp.Boolean(this=not inner.this)
    if isinstance(inner, exp.Not):
        return closed(inner.this.copy())
    return node


def _earlier(node: exp.Add) -> Expr:
    """Return the sum of a time and an interval less than none as a difference."""
    interval = node.right
    if not interval.this.name.startswith("-"):
        return node
    passed = exp.Literal.string(interval.this.name.removeprefix("-"))
    return exp.Sub(
        this=node.left.copy(), expression=exp.Interval(this=passed, unit=interval.args["unit"].copy())
    )


def _before(node: exp.LT) -> Expr:
    """Return the condition that a date is before a moment with a date alone, which prunes partitions."""
    if not (is_literal(node.right) and isinstance(node.right, exp.Cast) and node.right.this.is_string):
        return node
    day, _, clock = node.right.this.name.partition(" ")
    compare = exp.LTE if clock.strip("0:.") else exp.LT
    return compare(this=node.left.copy(), expression=exp.cast(exp.Literal.string(day), "DATE"))


def only_star(node: exp.Select) -> Expr:
    """Return the query that `SELECT * FROM (query)` is."""
    given = sorted(key for key, value in node.args.items() if value and key != "kind")
    if given != ["expressions", "from_"] or node.expressions != [exp.Star()]:
        return node
    source = node.args["from_"].this
    names = source.args.get("alias")
    is_query = isinstance(source, exp.Subquery) and not (names and names.columns)
    return source.this if is_query else node
