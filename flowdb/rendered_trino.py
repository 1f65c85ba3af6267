"""Writes a query that is said in full as one of Trino, which Athena's engine 3 is too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino

from flowdb.constants import is_literal, span_of
from flowdb.engine_rules import (
    COMPARED,
    FIRST_BUCKET,
    MOST,
    STEPS,
    Change,
    Rule,
    Rules,
    average,
    concat,
    is_absent,
    number,
    of_unit,
    text,
    translated,
    without_filter,
)
from flowdb.macros import call, closed
from flowdb.replacements import LOOKUP, TOTAL, is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["written"]

_EPOCH = exp.Var(this="TIMESTAMP '1970-01-01 00:00:00'")


class _Written(Trino):
    """Trino's SQL, with what is put together as it is."""

    class Generator(Trino.Generator):  # type: ignore[misc, valid-type]
        """`||` is NULL where a part is, in Trino as in DuckDB."""

        TRANSFORMS: ClassVar[Any] = {
            **Trino.Generator.TRANSFORMS,
            exp.DPipe: lambda self, node: self.binary(node, "||"),
        }


def written(tree: exp.Query) -> str:
    """Return a query as text."""
    made = translated(tree.copy(), Rules(_BEFORE, _AFTER, _FUNCTIONS, _NAMES))
    return made.sql(dialect=_Written, pretty=True, normalize_functions=False, comments=False)


# Before the leaves.


def _sub(node: Any) -> Any:
    """Return the time between two moments, which Trino counts in milliseconds."""
    for name, factor in (("epoch_us", 1000), ("epoch_ms", 1)):
        if is_call(node.left, name) and is_call(node.right, name):
            passed = call(
                "date_diff", text("millisecond"), node.right.expressions[0], node.left.expressions[0]
            )
            return passed if factor == 1 else exp.Paren(this=exp.Mul(this=passed, expression=number(factor)))
    return node


def _sorted_list(node: Any) -> Any:
    """Return a sorted list of rows as one that is made in order: rows with NULL have none."""
    if is_call(node, "list_sort") and is_call(node.expressions[0], "list"):
        listed = node.expressions[0].expressions[0]
        if isinstance(listed, exp.Cast) and is_call(listed.this, "row"):
            keys = [exp.Ordered(this=one.copy(), nulls_first=False) for one in listed.this.expressions]
            return call("list", exp.Order(this=listed.copy(), expressions=keys))
    if is_call(node, "arg_max", "arg_min"):
        return _extreme(node)
    return node


def _extreme(node: Any) -> Any:
    """Return the value where another is the largest or smallest; a pair is compared part by part."""
    value, by, *count = node.expressions
    is_least = is_call(node, "arg_min")
    name = "min_by" if is_least else "max_by"
    if count:
        # A sample: any order will do that does not depend on the values.
        words = [exp.cast(one.copy(), "VARCHAR") for one in by.expressions]
        key = call("md5", call("to_utf8", call("concat_ws", text("/"), *words)))
        return call(name, value, key, *count)
    has_value = isinstance(value, exp.Cast) or None
    there = None if has_value else exp.Where(this=exp.Not(this=is_absent(value)))
    if isinstance(by, exp.Tuple):
        keys = [
            exp.Ordered(this=one.copy(), desc=not is_least, nulls_first=not is_least)
            for one in by.expressions
        ]
        made: Expr = call("list", exp.Order(this=value.copy(), expressions=keys))
        made = made if there is None else exp.Filter(this=made, expression=there)
        return exp.Bracket(this=made, expressions=[number(1)])
    made = call(name, value, by)
    return made if there is None else exp.Filter(this=made, expression=there)


def _select(node: Any) -> Any:
    """Return a query with EXISTS in place of SEMI and ANTI joins."""
    kept = []
    conditions = [where.this] if (where := node.args.get("where")) is not None else []
    for join in node.args.get("joins") or []:
        if join.kind not in ("SEMI", "ANTI"):
            kept.append(join)
            continue
        inner = exp.Select(
            expressions=[number(1)],
            from_=exp.From(this=join.this.copy()),
            where=exp.Where(this=join.args["on"].copy()),
        )
        found: Expr = exp.Exists(this=inner)
        conditions.append(exp.Not(this=found) if join.kind == "ANTI" else found)
    for join in kept:
        _hashable(join)
    node.set("joins", kept)
    if conditions:
        node.set("where", exp.Where(this=exp.and_(*conditions, copy=False)))
    return node


def _hashable(join: Any) -> None:
    """Give a join by columns that may be NULL alone a comparison by which rows can be looked up."""
    on = join.args.get("on")
    if on is None or any(isinstance(one, exp.EQ) for one in on.flatten()):
        return
    for one in [*on.flatten()]:
        if isinstance(one, exp.NullSafeEQ):
            left, right = (
                call("coalesce", exp.cast(side.copy(), "VARCHAR"), text("")) for side in (one.left, one.right)
            )
            on = exp.And(this=on, expression=exp.EQ(this=left, expression=right))
    join.set("on", on)


_BEFORE: dict[type[Expr], Change] = {
    exp.Sub: _sub,
    exp.Window: without_filter,
    exp.Anonymous: _sorted_list,
    exp.Select: _select,
}


# After the leaves.


def _bracket(node: Any) -> Any:
    place = node.expressions[0]
    # No list has an entry 0, and it is an error to ask for it.
    is_told = is_literal(place)
    return call("element_at", node.this, place if is_told else call("nullif", place, number(0)))


def _cast(node: Any) -> Any:
    kind = node.to.this
    if kind == exp.DType.INT128:
        node.set("to", exp.DataType.build("DECIMAL(38, 0)"))
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        if kind in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
            return exp.Var(this=f"TIMESTAMP '{node.this.name}'")
        if kind == exp.DType.DATE:
            return exp.Var(this=f"DATE '{node.this.name}'")
    return node


def _divided(node: Any) -> Any:
    return exp.Div(
        this=exp.cast(node.left.copy(), "DOUBLE"), expression=node.right.copy(), typed=True, safe=False
    )


def _whole(node: Any) -> Any:
    """Return a division of whole numbers; of decimals, whose division rounds, without the rest."""
    left, right = node.left, node.right
    if node.find(exp.Cast) is None:
        return exp.Div(this=left.copy(), expression=right.copy(), typed=True, safe=False)
    rest = exp.Mod(this=closed(left.copy()), expression=closed(right.copy()))
    exact = exp.Paren(this=exp.Sub(this=closed(left.copy()), expression=rest))
    return exp.Div(this=exact, expression=closed(right.copy()), typed=True, safe=False)


def _interval(node: Any) -> Any:
    assert isinstance(node, exp.Interval)
    months, passed = span_of(node)
    if months and isinstance(node.parent, COMPARED):
        return of_unit(months * 30, "DAY")
    # The times of records are whole milliseconds, and a shorter interval there is none.
    return exp.Interval(this=text("0.001"), unit=exp.Var(this="SECOND")) if 0 < passed < 1000 else node


def _joined(node: Any) -> Any:
    """Return texts put together, each of which has to be one."""
    for key in ("this", "expression"):
        if isinstance(node.args[key], exp.Column):
            node.set(key, exp.cast(node.args[key].copy(), "VARCHAR"))
    return node


_AFTER: dict[type[Expr], Change] = {
    exp.BitwiseAnd: lambda node: call("bitwise_and", node.left, node.right),
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.Div: _divided,
    exp.DPipe: _joined,
    exp.IntDiv: _whole,
    exp.Interval: _interval,
}


# Functions.


def _time_bucket(args: list[Expr]) -> Expr:
    """Return the beginning of the bucket that a moment is in."""
    interval, moment = args
    assert isinstance(interval, exp.Interval)
    months, passed = span_of(interval)
    if months:
        return _month_bucket(months, moment)
    unit = next((unit for unit, size in STEPS.items() if passed == size * 1000), None)
    if unit is not None or passed == 7 * 86_400_000_000:
        return call("date_trunc", text((unit or "week").lower()), moment)
    size = max(passed // 1000, 1)
    first = FIRST_BUCKET % size - size
    since = call("date_diff", text("millisecond"), _EPOCH.copy(), moment)
    begun = (
        exp.Sub(this=since, expression=number(first))
        if first > 0
        else exp.Add(this=since, expression=number(-first))
    )
    rest = exp.Mod(this=exp.Paren(this=begun), expression=number(size))
    return call("date_add", text("millisecond"), exp.Neg(this=exp.Paren(this=rest)), moment.copy())


def _month_bucket(months: int, moment: Expr) -> Expr:
    if months in (1, 3, 12):
        return call("date_trunc", text({1: "month", 3: "quarter", 12: "year"}[months]), moment)
    since = exp.Add(
        this=exp.Mul(this=call("year", moment), expression=number(12)),
        expression=call("month", moment.copy()),
    )
    first = (2000 * 12 + 1) % months - months
    begun = exp.Paren(this=exp.Add(this=since, expression=number(-first)))
    rest = exp.Neg(this=exp.Paren(this=exp.Mod(this=begun, expression=number(months))))
    return call("date_add", text("month"), rest, call("date_trunc", text("month"), moment.copy()))


def _least(name: str) -> Rule:
    """Return the rule for what passes over NULL in DuckDB, and is NULL in Trino if anything is."""
    return lambda args: call("coalesce", call(name, *(one.copy() for one in args)), *args)


def _contained(args: list[Expr]) -> Expr:
    return exp.Paren(this=exp.GT(this=call("strpos", *args), expression=number(0)))


def _like(args: list[Expr], pattern: str) -> Expr:
    return exp.Paren(this=exp.Like(this=closed(args[0].copy()), expression=text(pattern)))


def _list_contains(args: list[Expr]) -> Expr:
    listed, value = args
    if isinstance(listed, exp.Array) and listed.expressions:
        entries = [one.copy() for one in listed.expressions]
        return exp.Paren(this=exp.In(this=closed(value.copy()), expressions=entries))
    return call("contains", *args)


def _replaced(args: list[Expr]) -> Expr:
    return call("regexp_replace", args[0], args[1], text(re.sub(r"\\(\d)", r"$\1", args[2].name)))


def _total(args: list[Expr]) -> Expr:
    return exp.cast(call("least", _sum(args), MOST.copy()), "BIGINT")


def _sum(args: list[Expr]) -> Expr:
    return call("sum", exp.cast(args[0].copy(), "DECIMAL(38, 0)"))


def _lookup(args: list[Expr]) -> Expr:
    keys, names, one = args
    return call("element_at", call("map", keys, names), one)


def _distinct(args: list[Expr]) -> Expr:
    there = exp.Not(this=exp.Is(this=exp.to_identifier("one"), expression=exp.null()))
    kept = exp.Lambda(this=there, expressions=[exp.to_identifier("one")])
    return call("array_distinct", call("filter", args[0], kept))


def _moment(args: list[Expr]) -> Expr:
    milliseconds = exp.Div(this=closed(args[0].copy()), expression=number(1000), typed=True, safe=False)
    return call("date_add", text("millisecond"), milliseconds, _EPOCH.copy())


_NAMES = {
    "any_value": "arbitrary",
    "array_to_string": "array_join",
    "epoch": "to_unixtime",
    "error": "fail",
    "generate_series": "sequence",
    "hash": "row",
    "isodow": "day_of_week",
    "len": "cardinality",
    "list": "array_agg",
    "list_concat": "concat",
    "list_filter": "filter",
    "list_position": "array_position",
    "list_sort": "array_sort",
    "list_transform": "transform",
    "regexp_matches": "regexp_like",
    "string_split": "split",
}
_FUNCTIONS: dict[str, Rule] = {
    LOOKUP: _lookup,
    TOTAL: _total,
    "concat": concat,
    "contains": _contained,
    "dayname": lambda args: call("date_format", args[0], text("%W")),
    "ends_with": lambda args: _like(args, f"%{args[1].name}"),
    "epoch_ms": lambda args: call("date_diff", text("millisecond"), _EPOCH.copy(), args[0]),
    "epoch_us": lambda args: exp.Paren(
        this=exp.Mul(
            this=call("date_diff", text("millisecond"), _EPOCH.copy(), args[0]), expression=number(1000)
        )
    ),
    "format": lambda args: call("lpad", call("to_base", args[1], number(16)), number(8), text("0")),
    "greatest": _least("greatest"),
    "least": _least("least"),
    "left": lambda args: call("substr", args[0], number(1), args[1]),
    "list_avg": average,
    "list_contains": _list_contains,
    "list_distinct": _distinct,
    "make_timestamp": _moment,
    "regexp_full_match": lambda args: call("regexp_like", args[0], text(f"^(?:{args[1].name})$")),
    "regexp_replace": _replaced,
    "starts_with": lambda args: _like(args, f"{args[1].name}%"),
    "sum": _sum,
    "time_bucket": _time_bucket,
}
