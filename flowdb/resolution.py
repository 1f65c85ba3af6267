"""Finds what the names in a query stand for: columns of what it reads, results of its own, whole rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.constants import is_literal
from flowdb.macros import closed
from flowdb.query_columns import Column, Source, cells_of
from flowdb.replacements import aggregates, is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["Names"]


class Names:
    """What the names in a query stand for: columns of what it reads, results of its own, whole rows."""

    def __init__(self, node: exp.Select, sources: list[Source], made: Iterable[Column]) -> None:
        self._node = node
        self._sources = sources
        self._made = {column.name: column for column in made if column.parts != (column.name,)}
        self._columns = {column.name: column for source in sources for column in source.columns}
        self._physical = {part for one in self._columns.values() for part in one.parts}
        self._results: dict[str, Expr] = {}

    def resolve(self) -> None:
        """Put in place of each name what it stands for."""
        items = []
        for item in self._node.expressions:
            new = self._resolved(item)
            items.append(new)
            if isinstance(new, exp.Alias):
                self._results.setdefault(new.alias, new.this)
        self._node.set("expressions", items)
        for clause in ("where", "having", "qualify"):
            if (one := self._node.args.get(clause)) is not None:
                one.set("this", self._resolved(one.this))
        for join in self._node.args.get("joins") or []:
            if (on := join.args.get("on")) is not None:
                join.set("on", self._resolved(on))
        self._group()
        self._order(self._node.args.get("order"), items)

    def _resolved(self, node: Expr) -> Expr:
        """Return an expression in which each name is that of a column that is read."""
        if isinstance(node, exp.Query):
            return node
        if isinstance(node, exp.Column) and not node.table and isinstance(node.this, exp.Identifier):
            name = node.name
            if name in self._physical or name in self._columns:
                return node
            whole = next((one for one in self._sources if one.name == name), None)
            if whole is not None:
                return self._row(whole)
            result = self._results.get(name)
            return node if result is None else closed(result.copy())
        if isinstance(node, exp.Window):
            self._number(node)
            self._order(node.args.get("order"), [])
        for key, value in node.args.items():
            if isinstance(value, list):
                node.set(
                    key, [self._resolved(one) if isinstance(one, exp.Expression) else one for one in value]
                )
            elif isinstance(value, exp.Expression):
                node.set(key, self._resolved(value))
        return node

    def _number(self, window: exp.Window) -> None:
        """Give rows numbers in an order: what another engine asks twice has to have the same ones."""
        if is_call(window.this, "row_number") and window.args.get("order") is None:
            keys = [exp.column(part) for one in self._columns.values() for part in one.parts]
            window.set(
                "order", exp.Order(expressions=[exp.Ordered(this=key, nulls_first=False) for key in keys])
            )

    @staticmethod
    def _row(source: Source) -> Expr:
        cells = [
            exp.PropertyEQ(this=exp.to_identifier(part), expression=exp.column(part, source.name))
            for column in source.columns
            for part in column.parts
        ]
        return exp.Anonymous(this="struct_pack", expressions=cells)

    def _group(self) -> None:
        group = self._node.args.get("group")
        if group is None:
            return
        items = self._node.expressions
        if group.args.get("all"):
            keys = [
                item.copy() if isinstance(item, exp.Column) else exp.Literal.number(place)
                for place, item in enumerate(items, 1)
                if not aggregates(item)
            ]
            self._node.set("group", exp.Group(expressions=keys) if keys else None)
            return
        places = {item.alias: place for place, item in enumerate(items, 1) if isinstance(item, exp.Alias)}
        keys = []
        for one in group.expressions:
            is_result = isinstance(one, exp.Column) and not one.table and one.name not in self._physical
            keys.append(exp.Literal.number(places[one.name]) if is_result else one)
        group.set("expressions", keys)

    def _order(self, order: exp.Order | None, items: list[Expr]) -> None:
        """Write out what rows are sorted by; a result's name stands for itself where it stands alone."""
        if order is None:
            return
        results = {one.alias_or_name for one in items}
        ordered: list[Expr] = []
        for one in order.expressions:
            for key in self._keys(one.this):
                is_alone = isinstance(key, exp.Column) and not key.table and key.name in results
                if not is_alone:
                    key = self._sorted_by(key, results)
                if not is_literal(key) or is_literal(one.this):
                    ordered.append(exp.Ordered(**{**one.args, "this": key}))
        order.set("expressions", ordered)

    def _keys(self, key: Expr) -> list[Expr]:
        if is_call(key, "row"):
            return [*cells_of(key, self._sources)]
        if isinstance(key, exp.Column) and isinstance(key.this, exp.Identifier):
            column = self._made.get(key.name) or self._columns.get(key.name)
            if column is not None and column.parts != (column.name,):
                return [exp.column(part, key.table or None) for part in column.parts]
        return [key]

    def _sorted_by(self, key: Expr, results: set[str]) -> Expr:
        """Return an expression to sort by: a name in it is the column's that is read before a result's."""
        for one in [key] if isinstance(key, exp.Column) else [*key.find_all(exp.Column)]:
            if (
                one.table
                or not isinstance(one.this, exp.Identifier)
                or one.find_ancestor(exp.Query) is not None
            ):
                continue
            if one.name in self._physical and one.name in results:
                source = next(
                    source
                    for source in self._sources
                    if any(one.name in column.parts for column in source.columns)
                )
                one.set("table", exp.to_identifier(source.name))
        return key
