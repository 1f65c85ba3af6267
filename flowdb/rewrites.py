"""Says with plain functions of lists what DuckDB alone has a function for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.macros import call, closed
from flowdb.replacements import is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["rewritten"]


def rewritten(node: Expr) -> Expr:
    """Return a tree in which no function is left that DuckDB alone has, where others can say the same."""
    return node.transform(_rewritten)


def _rewritten(node: Expr) -> Expr:
    if is_call(node, "string_agg"):
        return _joined_texts(node)
    if is_call(node, "quantile_cont"):
        return _quantiles(node.expressions[0], node.expressions[1].expressions)
    if is_call(node, "mad"):
        return _deviation(node.expressions[0])
    if isinstance(node, exp.LTE) and isinstance(node.left, exp.Tuple):
        return _compared(node)
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean):
        return _told(node)
    return node


def _told(node: exp.Is) -> Expr:
    """Return IS TRUE or IS FALSE as a comparison with a value for NULL."""
    is_true = node.expression.this
    known = call("coalesce", node.this, exp.Boolean(this=not is_true))
    return known if is_true else exp.Not(this=known)


def _compared(node: exp.LTE) -> Expr:
    """Return a comparison of pairs, of which the second may be NULL, which is more than any other."""
    (first, second), (other, last) = node.left.expressions, node.expression.expressions
    is_least = call("coalesce", exp.LTE(this=second, expression=last.copy()), exp.false())
    follows = exp.Or(this=exp.Is(this=last, expression=exp.null()), expression=is_least)
    same = exp.And(
        this=exp.EQ(this=first.copy(), expression=other.copy()), expression=exp.Paren(this=follows)
    )
    less = exp.LT(this=first.copy(), expression=other.copy())
    return exp.Paren(this=exp.Or(this=less, expression=exp.Paren(this=same)))


def _joined_texts(node: Expr) -> Expr:
    """Return texts that are put together: a list of those that there are, in their order."""
    ordered = next(one for one in node.expressions if isinstance(one, exp.Order))
    distinct = isinstance(ordered.this, exp.Distinct)
    given = [*ordered.this.expressions] if distinct else [node.expressions[0], ordered.this]
    value, between = (one.copy() for one in given)
    listed: Expr = exp.Distinct(expressions=[value]) if distinct else value
    made = call("list", exp.Order(this=listed, expressions=[one.copy() for one in ordered.expressions]))
    return call("array_to_string", _there(made, value), between)


def _there(made: Expr, value: Expr) -> exp.Filter:
    """Return a list of what is not NULL."""
    condition = exp.Not(this=exp.Is(this=closed(value.copy()), expression=exp.null()))
    return exp.Filter(this=made, expression=exp.Where(this=condition))


def _quantiles(value: Expr, places: list[Expr]) -> Expr:
    """Return what has these parts of the values below it, between two values in proportion."""
    cells = [_quantile(exp.to_identifier("sorted"), exp.cast(one.copy(), "DOUBLE")) for one in places]
    return _given(_sorted_values(value), "sorted", exp.Array(expressions=cells))


def _deviation(value: Expr) -> Expr:
    """Return the median of how far the values are from their median."""
    half = exp.cast(exp.Literal.number("0.5"), "DOUBLE")
    away = exp.Sub(
        this=exp.to_identifier("one"), expression=exp.Paren(this=_quantile(exp.to_identifier("sorted"), half))
    )
    far = call(
        "list_sort", call("list_transform", exp.to_identifier("sorted"), _lambda("one", call("abs", away)))
    )
    median = _given(far, "apart", _quantile(exp.to_identifier("apart"), half.copy()))
    return _given(_sorted_values(value), "sorted", median)


def _sorted_values(value: Expr) -> Expr:
    return call("list_sort", _there(call("list", value.copy()), value))


def _quantile(values: Expr, part: Expr) -> Expr:
    last = exp.Paren(this=exp.Sub(this=call("len", values.copy()), expression=exp.Literal.number(1)))
    place = exp.Mul(this=part, expression=last)
    low = exp.Add(this=_whole("floor", place), expression=exp.Literal.number(1))
    high = exp.Add(this=_whole("ceil", place), expression=exp.Literal.number(1))
    below, above = (exp.Bracket(this=values.copy(), expressions=[one]) for one in (low, high))
    rest = exp.Sub(this=place.copy(), expression=call("floor", place.copy()))
    step = exp.Mul(
        this=exp.Paren(this=exp.Sub(this=above, expression=below.copy())), expression=exp.Paren(this=rest)
    )
    return exp.Add(this=below, expression=step)


def _whole(name: str, value: Expr) -> Expr:
    return exp.cast(call(name, value.copy()), "BIGINT")


def _given(value: Expr, name: str, body: Expr) -> Expr:
    """Return a body with a name in it for a value, which is computed once."""
    listed = call("list_transform", exp.Array(expressions=[value]), _lambda(name, body))
    return exp.Bracket(this=listed, expressions=[exp.Literal.number(1)])


def _lambda(name: str, body: Expr) -> exp.Lambda:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(name)])
