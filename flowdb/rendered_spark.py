"""Writes a query that is said in full as one of Spark SQL, version 4, whose session is in UTC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.spark import Spark

from flowdb.constants import span_of
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

_CLOCK = "TIMESTAMP_NTZ"


class _Written(Spark):
    """Spark's SQL, with what is put together and divided as it is."""

    class Generator(Spark.Generator):  # type: ignore[misc, valid-type]
        """A text has its backslashes twice."""

        TRANSFORMS: ClassVar[Any] = {
            **Spark.Generator.TRANSFORMS,
            exp.Div: lambda self, node: self.binary(node, "/"),
            exp.DPipe: lambda self, node: self.binary(node, "||"),
            exp.IntDiv: lambda self, node: self.binary(node, "DIV"),
            exp.Interval: lambda self, node: f"INTERVAL {self.sql(node.this)} {self.sql(node.unit)}",
        }


def written(tree: Expr) -> str:
    """Return a query, or an expression, as text."""
    made = translated(tree.copy(), Rules(_BEFORE, _AFTER, _FUNCTIONS, _NAMES))
    return made.sql(dialect=_Written, pretty=True, normalize_functions=False, comments=False)


def _clock(node: Expr) -> Expr:
    """Return a time with a zone, UTC, as the one without that the store has."""
    return exp.cast(node.copy(), exp.DataType(this=exp.DType.TIMESTAMPNTZ))


def _zoned(node: Expr) -> Expr:
    return exp.cast(node.copy(), exp.DataType(this=exp.DType.TIMESTAMPTZ))


def _micros(node: Expr) -> Expr:
    return call("unix_micros", _zoned(node))


def _double(value: int) -> Expr:
    return exp.Var(this=f"{value}D")


# Before the leaves.


def _select(node: Any) -> Any:
    """Return a query with LATERAL VIEW for the lists whose entries become rows."""
    joins = node.args.get("joins") or []
    for join in joins:
        if isinstance(join.this, exp.Unnest):
            alias = join.this.args["alias"]
            exploded = call("explode", join.this.expressions[0])
            node.append("laterals", exp.Lateral(this=exploded, view=True, alias=alias.copy()))
    node.set("joins", [join for join in joins if not isinstance(join.this, exp.Unnest)])
    return node


def _filtered(node: Any) -> Any:
    """Return a list in order as one that is sorted when it is there."""
    made = node.this
    if is_call(made, "list") and isinstance(made.expressions[0], exp.Order):
        listed = call("list", made.expressions[0].this.copy())
        return call("list_sort", exp.Filter(this=listed, expression=node.expression.copy()))
    return node


def _extreme(node: Any) -> Any:
    """Return the value where another is the largest or smallest; NULL is the largest in a pair."""
    if not is_call(node, "arg_max", "arg_min"):
        return node
    value, by, *count = node.expressions
    if count:
        # A sample: any order will do that does not depend on the values.
        key = exp.Alias(this=call("xxhash64", *by.expressions), alias=exp.to_identifier("place"))
        pair = call("struct", key, exp.Alias(this=value.copy(), alias=exp.to_identifier("value")))
        one = exp.Dot(this=exp.to_identifier("one"), expression=exp.to_identifier("value"))
        taken = call("slice", call("array_sort", call("collect_list", pair)), number(1), *count)
        return call("transform", taken, exp.Lambda(this=one, expressions=[exp.to_identifier("one")]))
    if isinstance(by, exp.Tuple):
        by = call("struct", *(cell for one in by.expressions for cell in (is_absent(one), one.copy())))
    made = call("min_by" if is_call(node, "arg_min") else "max_by", value, by)
    if isinstance(value, exp.Cast):
        return made
    return exp.Filter(this=made, expression=exp.Where(this=exp.Not(this=is_absent(value))))


def _row(node: Any) -> Any:
    """Return a row with the names of its fields."""
    if not is_call(node.this, "row"):
        return node
    cells = []
    for field, value in zip(node.to.expressions, node.this.expressions, strict=True):
        cells += [text(field.name), value.copy()]
    return call("named_struct", *cells)


_BEFORE: dict[type[Expr], Change] = {
    exp.Anonymous: _extreme,
    exp.Cast: _row,
    exp.Filter: _filtered,
    exp.Select: _select,
    exp.Window: without_filter,
}


# After the leaves.


def _bracket(node: Any) -> Any:
    place = node.expressions[0]
    is_told = isinstance(place, exp.Literal | exp.Neg)
    return call("try_element_at", node.this, place if is_told else _place(place))


def _place(node: Expr) -> Expr:
    """Return the place in a list; none has an entry 0, and it is an error to ask for it."""
    return exp.cast(call("nullif", node, number(0)), "INT")


def _cast(node: Any) -> Any:
    kind = node.to.this
    if kind == exp.DType.INT128:
        node.set("to", exp.DataType.build("DECIMAL(38, 0)"))
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        if kind in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
            return exp.Var(this=f"TIMESTAMP_NTZ '{node.this.name}'")
        if kind == exp.DType.DATE:
            return exp.Var(this=f"DATE '{node.this.name}'")
    if kind == exp.DType.TIMESTAMP:
        node.set("to", exp.DataType(this=exp.DType.TIMESTAMPNTZ))
    return node


def _divided(node: Any) -> Any:
    """Return a division of doubles; by zero it is NULL."""
    left = exp.cast(node.left.copy(), "DOUBLE")
    if isinstance(node.right, exp.Literal):
        return exp.Div(this=left, expression=node.right.copy())
    return call("try_divide", left, node.right)


def _interval(node: Any) -> Any:
    assert isinstance(node, exp.Interval)
    months, passed = span_of(node)
    if months and isinstance(node.parent, COMPARED):
        return of_unit(months * 30, "DAY")
    if str(node.args["unit"].this).upper() == "MICROSECOND":
        return exp.Interval(this=text(f"{passed / 1_000_000:.6f}"), unit=exp.Var(this="SECOND"))
    return node


def _told(node: Any) -> Any:
    return call("struct", *node.expressions) if isinstance(node.parent, exp.Distinct) else node


_AFTER: dict[type[Expr], Change] = {
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.Div: _divided,
    exp.Interval: _interval,
    exp.Tuple: _told,
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
        return _truncated([text(unit or "WEEK"), moment])
    first = FIRST_BUCKET * 1000 % passed - passed
    begun = exp.Paren(
        this=exp.Sub(this=_micros(moment), expression=exp.Paren(this=exp.Neg(this=number(-first))))
    )
    rest = exp.Mod(this=begun, expression=number(passed))
    return _clock(call("timestamp_micros", exp.Sub(this=_micros(moment), expression=rest)))


def _month_bucket(months: int, moment: Expr) -> Expr:
    if months in (1, 3, 12):
        return _truncated([text({1: "MONTH", 3: "QUARTER", 12: "YEAR"}[months]), moment])
    since = exp.Add(
        this=exp.Mul(this=call("year", moment), expression=number(12)),
        expression=call("month", moment.copy()),
    )
    first = (2000 * 12 + 1) % months - months
    begun = exp.Paren(this=exp.Add(this=since, expression=number(-first)))
    rest = call("make_ym_interval", number(0), exp.Mod(this=begun, expression=number(months)))
    return exp.Paren(this=exp.Sub(this=_truncated([text("MONTH"), moment]), expression=rest))


def _truncated(args: list[Expr]) -> Expr:
    return _clock(call("date_trunc", text(args[0].name.upper()), args[1]))


def _total(args: list[Expr]) -> Expr:
    most = exp.If(this=exp.GT(this=_sum(args), expression=MOST.copy()), true=MOST.copy())
    return exp.Case(ifs=[most], default=exp.cast(_sum(args), "BIGINT"))


def _sum(args: list[Expr]) -> Expr:
    return call("sum", exp.cast(args[0].copy(), "DECIMAL(38, 0)"))


def _rounded(args: list[Expr]) -> Expr:
    """Return a number rounded as DuckDB does it: halves of what is scaled up, not of its digits."""
    if len(args) == 1:
        return call("round", args[0])
    scale = 10 ** int(args[1].name)
    scaled = exp.Mul(this=closed(args[0].copy()), expression=_double(scale))
    return exp.Div(this=call("round", scaled), expression=_double(scale))


def _list(args: list[Expr]) -> Expr:
    if isinstance(args[0], exp.Distinct):
        return call("collect_set", args[0].expressions[0])
    return call("collect_list", args[0])


def _list_contains(args: list[Expr]) -> Expr:
    listed, value = args
    if isinstance(listed, exp.Array) and listed.expressions:
        entries = [one.copy() for one in listed.expressions]
        return exp.Paren(this=exp.In(this=closed(value.copy()), expressions=entries))
    return call("array_contains", *args)


def _replaced(args: list[Expr]) -> Expr:
    return call("regexp_replace", args[0], args[1], text(re.sub(r"\\(\d)", r"$\1", args[2].name)))


def _lookup(args: list[Expr]) -> Expr:
    keys, names, one = args
    return call("try_element_at", call("map_from_arrays", keys, names), one)


def _struct(args: list[Expr]) -> Expr:
    cells = [cell for one in args for cell in (text(one.this.name), one.expression)]
    return call("named_struct", *cells)


def _split(args: list[Expr]) -> Expr:
    return call("split", args[0], text(re.escape(args[1].name).replace("\\ ", " ")))


_CLOCK_TEXTS = {"%H": "HH"}
_NAMES = {
    "ends_with": "endswith",
    "error": "raise_error",
    "generate_series": "sequence",
    "hash": "struct",
    "list_concat": "concat",
    "list_filter": "filter",
    "list_position": "array_position",
    "list_sort": "array_sort",
    "list_transform": "transform",
    "make_timestamp": "timestamp_micros",
    "regexp_matches": "regexp_like",
    "starts_with": "startswith",
}
_FUNCTIONS: dict[str, Rule] = {
    LOOKUP: _lookup,
    TOTAL: _total,
    "any_value": lambda args: call("any_value", args[0], exp.true()),
    "array_to_string": lambda args: call("nullif", call("array_join", *args), text("")),
    "concat": concat,
    "date_diff": lambda args: call("timestampdiff", exp.Var(this=args[0].name.upper()), *args[1:]),
    "date_trunc": _truncated,
    "dayname": lambda args: call("date_format", args[0], text("EEEE")),
    "epoch": lambda args: exp.Paren(this=exp.Div(this=_micros(args[0]), expression=_double(1_000_000))),
    "epoch_ms": lambda args: call("unix_millis", _zoned(args[0])),
    "epoch_us": lambda args: _micros(args[0]),
    "format": lambda args: call("lpad", call("lower", call("hex", args[1])), number(8), text("0")),
    "isodow": lambda args: exp.Paren(this=exp.Add(this=call("weekday", args[0]), expression=number(1))),
    "left": lambda args: call("substr", args[0], number(1), args[1]),
    "len": lambda args: exp.cast(call("array_size", *args), "BIGINT"),
    "list": _list,
    "list_avg": average,
    "list_contains": _list_contains,
    "list_slice": lambda args: call("slice", *args),
    "list_distinct": lambda args: call("array_distinct", call("array_compact", args[0])),
    "make_timestamp": lambda args: _clock(call("timestamp_micros", args[0])),
    "regexp_full_match": lambda args: call("regexp_like", args[0], text(rf"^(?:{args[1].name})\z")),
    "regexp_replace": _replaced,
    "round": _rounded,
    "strftime": lambda args: call("date_format", args[0], text(_CLOCK_TEXTS[args[1].name])),
    "string_split": _split,
    "struct_pack": _struct,
    "sum": _sum,
    "time_bucket": _time_bucket,
}
