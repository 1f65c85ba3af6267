"""Rewrites the tree of an Athena query to what DuckDB does the same with, from the leaves up."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.athena_casts import casted
from flowdb.athena_functions import functions
from flowdb.athena_kinds import DAYS, Kinds
from flowdb.athena_lists import asked_of_each, counting, unnested
from flowdb.athena_nodes import (
    ZONED,
    Untranslatable,
    call,
    closed,
    cut_text,
    filled,
    formatted,
    ignoring,
    interval,
    ip_key,
    moment,
    offset_of,
    parsed,
    strftime_format,
    tried,
    unchecked,
    unit_of_time,
    written_out,
)
from flowdb.time_formats import FormatUnknown, of_joda, of_joda_elsewhere, of_joda_utc, of_mysql

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["Rules", "names_columns"]

_Rule = Callable[[exp.Anonymous, "list[Expr]"], "Expr"]
_FIELDS = {"DAYOFWEEK": "DAY_OF_WEEK", "DAYOFYEAR": "DAY_OF_YEAR", "WEEKOFYEAR": "WEEK"}
_QUANTIFIERS = ("all", "any", "some")
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def names_columns(tree: Expr) -> None:
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

    def __init__(self, tree: Expr, columns: Mapping[str, str]) -> None:
        self._tree = tree
        self._columns = columns
        self._kinds = Kinds(tree, columns)
        self.kinds = self._kinds.of_result(tree)
        self._special: dict[str, tuple[int, int, _Rule]] = {
            **{
                name: (2, 2, lambda node, args: asked_of_each(node.name.lower(), args))
                for name in ("all_match", "any_match", "none_match")
            },
            "approx_distinct": (1, 2, self._approx_distinct),
            "array_join": (2, 3, self._array_join),
            "cardinality": (1, 1, self._cardinality),
            "concat": (1, -1, self._concat),
            "contains": (2, 2, self._contains),
            "current_timestamp": (0, 1, lambda _node, _args: call("athena_now")),
            "date_add": (3, 3, lambda _, args: call("athena_date_add", unit_of_time(args[0]), *args[1:])),
            "date_diff": (3, 3, self._date_diff),
            "date_format": (2, 2, lambda _, args: call("strftime", args[0], strftime_format(args, of_mysql))),
            "date_parse": (2, 2, lambda _, args: parsed(args, of_mysql)),
            "element_at": (
                2,
                2,
                lambda _, args: exp.Bracket(this=closed(args[0]), expressions=[args[1].copy()], offset=1),
            ),
            "format": (1, -1, self._format),
            "format_datetime": (2, 2, self._format_datetime),
            "from_unixtime": (1, 3, self._from_unixtime),
            "greatest": (1, -1, self._extreme),
            "least": (1, -1, self._extreme),
            "localtimestamp": (0, 1, lambda _node, _args: call("athena_now")),
            "map": (0, 2, lambda _, args: call("map", *args)),
            "map_agg": (2, 2, self._map_agg),
            "parse_datetime": (2, 2, lambda _, args: parsed(args, of_joda)),
            "reduce": (4, 4, self._reduce),
            "regexp_extract": (2, 3, lambda _, args: call("athena_regexp_extract", *filled(args, 3, "0"))),
            "regexp_replace": (2, 3, lambda _, args: call("athena_regexp_replace", *filled(args, 3, ""))),
            "replace": (2, 3, lambda _, args: call("replace", *filled(args, 3, ""))),
            "reverse": (1, 1, self._reverse),
            "sequence": (2, 3, lambda _, args: counting(args, self._kinds.of(args[0]))),
            "substr": (2, 3, lambda _, args: cut_text(*args)),
            "substring": (2, 3, lambda _, args: cut_text(*args)),
            "date_trunc": (2, 2, self._date_trunc),
            "to_iso8601": (1, 1, self._to_iso8601),
            "try": (1, 1, lambda _, args: tried(args[0])),
        }

    def apply(self) -> list[Untranslatable]:
        """Rewrite the tree; return what could not be, which stays as it is."""
        wrong: list[Untranslatable] = []
        self._cut_days()
        for node in list(self._kinds.nodes):
            try:
                new = self._rewritten(node)
            except Untranslatable as error:
                error.offset = offset_of(node) if error.offset is None else error.offset
                wrong.append(error)
                continue
            if new is not node:
                self._kinds.keep(node, new)
                node.replace(new)
        return wrong

    def _cut_days(self) -> None:
        """Make `day` the day of the month where a query has `year` and `month` too, as in Hive's folders."""
        columns = [
            one for one in self._tree.find_all(exp.Column) if one.name.lower() in ("year", "month", "day")
        ]
        names = {one.name.lower() for one in columns} & set(self._columns)
        if len(names) < 3 or self._columns["day"] != "text":
            return
        for one in columns:
            beside = [*one.parent.find_all(exp.Literal)] if isinstance(one.parent, exp.Predicate) else []
            if one.name.lower() != "day" or any(len(text.name) > 2 for text in beside):
                continue
            cut = call("substr", one.copy(), exp.Literal.number(-2))
            is_shown = isinstance(one.parent, exp.Select) and one.arg_key == "expressions"
            one.replace(exp.Alias(this=cut, alias=exp.to_identifier("day")) if is_shown else cut)

    def _rewritten(self, node: Expr) -> Expr:
        """Return what stands for a node whose children have been rewritten."""
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        if isinstance(node, exp.Div):
            return self._divided(node)
        if isinstance(node, exp.Add | exp.Sub):
            return self._dated(node)
        if isinstance(node, exp.Cast):
            return casted(node, self._kinds.of(node), self._kinds.of(node.this))
        if isinstance(node, exp.Substring):
            places = [node.args[name] for name in ("start", "length") if node.args.get(name) is not None]
            return cut_text(node.this, *places)
        if isinstance(node, exp.Unnest):
            return unnested(node, self._kinds.of)
        if isinstance(node, exp.Extract):
            return self._extract(node)
        if isinstance(node, exp.CurrentDate):
            return exp.cast(call("athena_now"), "DATE")
        if isinstance(node, exp.CurrentTimestamp | exp.Localtimestamp):
            return call("athena_now")
        if isinstance(node, exp.AtTimeZone):
            return call(ZONED, node.this.copy(), node.args["zone"].copy())
        if isinstance(node, exp.IgnoreNulls) and isinstance(node.this, exp.Anonymous):
            return ignoring(node.this)
        if isinstance(node, exp.Interval):
            return interval(node)
        if isinstance(node, exp.Filter | exp.Window):
            return self._summed(node) if self._is_wide(node) else node
        if isinstance(node, exp.Ordered) and self._kinds.of(node.this) == "ip":
            node.set("this", ip_key(node.this))
        if isinstance(node, exp.Case) and isinstance(node.this, exp.Column):
            self._name_absent(node.this, [one.this for one in node.args["ifs"]])
        if isinstance(node, (*_COMPARED, exp.Between, exp.In)):
            return self._compared(node)
        return node

    def _call(self, node: exp.Anonymous) -> Expr:
        name, args = node.name.lower(), list(node.expressions)
        offset = node.meta.get("start")
        known = functions().get(name)
        special = self._special.get(name)
        if name in _QUANTIFIERS and isinstance(args[0] if args else None, exp.Query | exp.Values):
            return node
        if known is None and special is None:
            raise Untranslatable(f"the function {name} has no translation", offset)
        if special is not None:
            least, most = special[:2]
        else:
            assert known is not None
            least, most = known.least, known.most
        if len(args) < least or len(args) > most >= 0:
            expected = (
                f"{least}" if least == most else f"{least} or more" if most < 0 else f"{least} to {most}"
            )
            what = (
                f"the function {name} with {len(args)} arguments has no translation; it takes {expected} here"
            )
            raise Untranslatable(what, offset)
        if name == "to_unixtime":
            args = [moment(one) for one in args]
            node.set("expressions", args)
        if name in ("max", "min") and self._kinds.of(args[0]) == "ip" and len(args) == 1:
            return call(f"arg_{name}", args[0], ip_key(args[0]))
        if special is None:
            assert known is not None
            node.set("this", known.target)
            return self._summed(node) if self._is_wide(node) else node
        try:
            return special[2](node, args)
        except FormatUnknown as error:
            raise Untranslatable(f"{name}: {error}", offset) from error
        except Untranslatable as error:
            error.offset = offset if error.offset is None else error.offset
            raise

    def _is_wide(self, node: Expr) -> bool:
        """Tell whether an expression is a sum of integers, which DuckDB makes wider than they are."""
        inner = node
        while isinstance(inner, exp.Filter | exp.Window):
            inner = inner.this
        return inner.name.lower() == "sum" and self._kinds.of(node) == "int"

    def _summed(self, node: Expr) -> Expr:
        """Return a sum of integers as the bigint that Trino has it."""
        if isinstance(node.parent, exp.Filter | exp.Window):
            return node
        return exp.cast(node.copy(), "BIGINT")

    def _divided(self, node: exp.Div) -> Expr:
        left, right = self._kinds.of(node.left), self._kinds.of(node.right)
        parts = {"this": node.left.copy(), "expression": node.right.copy()}
        if left == right == "int":
            return exp.IntDiv(**parts)
        if {left, right} & {"double", "decimal"}:
            return node
        return call("athena_divide", *parts.values())

    def _dated(self, node: exp.Add | exp.Sub) -> Expr:
        """Return a sum; a date that days are added to stays a date."""
        span = next((one for one in (node.right, node.left) if isinstance(one, exp.Interval)), None)
        if self._kinds.of(node) == "date" and span is not None and str(span.unit).upper() in DAYS:
            return exp.cast(node.copy(), "DATE")
        return node

    def _extract(self, node: exp.Extract) -> Expr:
        field = node.this.name.upper()
        call = exp.Anonymous(this=_FIELDS.get(field, field).lower(), expressions=[node.expression.copy()])
        return self._call(call)

    def _compared(self, node: Expr) -> Expr:
        """Return a comparison, of addresses in their order, of what may be absent with `-`."""
        others = [node.args.get(name) for name in ("expression", "low", "high")]
        values = [one for one in [*others, *node.args.get("expressions", [])] if one is not None]
        sides = [node.this, *values]
        if "ip" in map(self._kinds.of, sides):
            for side in sides:
                side.replace(ip_key(side))
            return node
        for side in sides:
            if moment(side) is not side:
                side.replace(moment(side).copy())
        column = next((one for one in sides if isinstance(one, exp.Column)), None)
        texts = [one.name for one in sides if isinstance(one, exp.Literal) and one.is_string]
        if column is None or not texts:
            return node
        if "-" in texts and not isinstance(node, exp.Between):
            self._name_absent(column, values)
        elif column.name.lower() == "day" and all(re.fullmatch(r"\d{1,2}", one) for one in texts):
            column.replace(call("substr", column.copy(), exp.Literal.number(-2)))
        return node

    def _name_absent(self, column: Expr, values: list[Expr]) -> None:
        """Have a column of a table, which is compared with `-`, be that where the log has it."""
        is_asked = any(isinstance(one, exp.Literal) and one.name == "-" for one in values)
        if is_asked and column.name.lower() in self._columns:
            column.replace(call("coalesce", column.copy(), exp.Literal.string("-")))

    def _approx_distinct(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        return call("count", exp.Distinct(expressions=[args[0].copy()]))

    def _array_join(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        items = args[0] if len(args) == 2 else call("athena_texts", args[0], args[2])
        return call("array_to_string", items, args[1])

    def _cardinality(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        return call("cardinality" if self._kinds.of(args[0]) == "map" else "len", *args)

    def _concat(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        """Return texts or lists put together; one that is NULL makes the whole NULL, as in Trino."""
        joined = closed(args[0])
        for one in args[1:]:
            joined = exp.DPipe(this=joined, expression=closed(one))
        return exp.Paren(this=joined)

    def _contains(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        holder, item = map(self._kinds.of, args)
        if holder == "array":
            return call("athena_list_contains", *args)
        if item == "ip" or holder in ("text", "prefix"):
            return call("in_cidr", unchecked(args[1]), args[0])
        return call("athena_contains", *args)

    def _from_unixtime(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        moment = call("athena_from_unixtime", args[0])
        if len(args) == 1:
            return moment
        if len(args) == 2:
            return call(ZONED, moment, args[1])
        span = [
            call("athena_span", exp.Literal.string(unit), one)
            for unit, one in zip(("hour", "minute"), args[1:], strict=True)
        ]
        return exp.Paren(this=exp.Add(this=exp.Add(this=moment, expression=span[0]), expression=span[1]))

    def _extreme(self, node: exp.Anonymous, args: list[Expr]) -> Expr:
        """Return the largest or smallest, which is NULL in Trino where any of them is."""
        if len(args) == 1 or all(isinstance(one, exp.Literal) for one in args):
            return node
        absent: Expr = exp.Is(this=closed(args[0]), expression=exp.null())
        for one in args[1:]:
            absent = exp.Or(this=absent, expression=exp.Is(this=closed(one), expression=exp.null()))
        return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Paren(this=absent)), true=node.copy())])

    def _map_agg(self, _node: Expr, args: list[Expr]) -> Expr:
        entry = exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(name), expression=one.copy())
                for name, one in zip("kv", args, strict=True)
            ]
        )
        return call("athena_map", call("array_agg", exp.Distinct(expressions=[entry])))

    def _reduce(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        items, first, step, last = args
        if not (isinstance(last, exp.Lambda) and last.this.sql() == last.expressions[0].sql()):
            raise Untranslatable("reduce is translated only where its last argument is s -> s")
        return call("list_reduce", items, step, first)

    def _date_diff(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        return call("athena_date_diff", unit_of_time(args[0]), moment(args[1]), moment(args[2]))

    def _format_datetime(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        is_moved = any(one.name.lower() == ZONED for one in args[0].find_all(exp.Anonymous))
        return call(
            "strftime", args[0], strftime_format(args, of_joda_elsewhere if is_moved else of_joda_utc)
        )

    def _reverse(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        return call("list_reverse" if self._kinds.of(args[0]) == "array" else "reverse", *args)

    def _date_trunc(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        made = call("date_trunc", unit_of_time(args[0]), args[1])
        return exp.cast(made, "DATE") if self._kinds.of(args[1]) == "date" else made

    def _to_iso8601(self, _: exp.Anonymous, args: list[Expr]) -> Expr:
        kind = self._kinds.of(args[0])
        if kind == "date":
            return exp.cast(args[0].copy(), "TEXT")
        zone = "Z" if kind == "zoned" else ""
        return call("strftime", args[0], exp.Literal.string(f"%Y-%m-%dT%H:%M:%S.%g{zone}"))

    def _format(self, node: exp.Anonymous, args: list[Expr]) -> Expr:
        """Return a format of Java as texts that are put together, each with one of the values."""
        pieces: list[Expr] = []
        values = list(args[1:])
        for match in re.finditer(
            r"%%|%n|%([-,+ 0]*)(\d*)(?:\.(\d+))?([sdfxXeb])|[^%]+|%", written_out(args, 0)
        ):
            if match[4] is None:
                if match[0] == "%":
                    raise Untranslatable("the format has a part that cannot be translated")
                pieces.append(exp.Literal.string({"%%": "%", "%n": "\n"}.get(match[0], match[0])))
                continue
            if not values:
                raise Untranslatable("the format has more parts than there are values")
            pieces.append(formatted(values.pop(0), match))
        return self._concat(node, pieces) if pieces else exp.Literal.string("")
