"""Lists of an Athena query in DuckDB's SQL: functions that ask each of their values, and UNNEST."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.athena_nodes import Untranslatable, call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["asked_of_each", "counting", "unnested"]


def asked_of_each(name: str, args: list[Expr]) -> Expr:
    """Return `any_match`, `all_match` or `none_match`: NULL where what is NULL decides."""
    items, asked = args
    is_all = name == "all_match"
    if is_all:
        if not isinstance(asked, exp.Lambda):
            raise Untranslatable("all_match is translated only with a lambda")
        asked = asked.copy()
        asked.set("this", exp.Not(this=exp.Paren(this=asked.this.copy())))
    found = call("athena_any", call("list_transform", items, asked))
    return found if name == "any_match" else exp.Paren(this=exp.Not(this=found))


def counting(args: list[Expr], kind: str) -> Expr:
    """Return `sequence`, of numbers or of dates as their kind says, upwards or downwards."""
    if len(args) == 2:
        return call("athena_sequence_of_days" if kind == "date" else "athena_sequence", *args)
    made = call("generate_series", *args)
    return exp.cast(made, exp.DataType.build("DATE[]", dialect="duckdb")) if kind == "date" else made


def unnested(node: exp.Unnest, kind_of: Callable[[Expr], str]) -> Expr:
    """Return UNNEST as DuckDB has it; of a map or of several lists it is a query that unnests each.

    The shorter lists end in NULL, the keys and the values of a map are two columns, and the
    fields of a list of rows, which the names of its columns tell, one each.
    """
    alias = node.args.get("alias")
    names = [one.copy() for one in alias.columns] if alias is not None else []
    lists: list[Expr] = []
    for one in node.expressions:
        parts = ("map_keys", "map_values") if kind_of(one) == "map" else ()
        lists += [call(part, one.copy()) for part in parts] or [one.copy()]
    is_of_rows = len(lists) == 1 < len(names)
    if len(lists) == 1 and not is_of_rows:
        return node
    if is_of_rows:
        depth = exp.PropertyEQ(this=exp.to_identifier("max_depth"), expression=exp.Literal.number(2))
        cells = [call("unnest", lists[0], depth)]
    else:
        cells = [call("unnest", one) for one in lists]
    if node.args.get("offset"):
        longest = call("greatest", *(call("len", one.copy()) for one in lists))
        ending = exp.Add(this=longest, expression=exp.Literal.number(1))
        cells.append(call("unnest", call("range", exp.Literal.number(1), ending)))
        if isinstance(node.args["offset"], exp.Identifier):
            names.append(node.args["offset"].copy())
    made = exp.Subquery(this=exp.Select(expressions=cells))
    if alias is not None:
        made.set("alias", exp.TableAlias(this=alias.this.copy(), columns=names))
    return made
