"""Writes out what DuckDB's SQL leaves unsaid, so that the same query can be said in another engine's.

Columns that `*`, `COLUMNS(...)` and `GROUP BY ALL` stand for, names of results that other parts
of a query use, `UNION BY NAME`, `QUALIFY`, `unnest` among results, rows that are sorted by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from flowdb.constants import described
from flowdb.macros import written
from flowdb.query_columns import Column, Source, cells_of, chosen, parts_of, star_of, starred
from flowdb.replacements import aggregates, is_call
from flowdb.resolution import Names

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["lowered"]


def lowered(query: exp.Query, tables: Mapping[str, Iterable[str]]) -> exp.Query:
    """Return a query with everything said; `tables` has the columns of those that it reads."""
    known = {name: tuple(Column(one, (one,)) for one in columns) for name, columns in tables.items()}
    return _Lowering(known).whole(query)


class _Lowering:
    """One query that is written out: the tables and queries that have a name in it, and their columns."""

    def __init__(self, tables: dict[str, tuple[Column, ...]]) -> None:
        self._tables = tables
        self._ctes: list[exp.CTE] = []
        self._unnested = 0

    def whole(self, query: exp.Query) -> exp.Query:
        with_ = query.args.get("with_")
        query.set("with_", None)
        for one in with_.expressions if with_ else []:
            new, columns = self._query(one.this)
            self._tables[one.alias] = columns
            self._ctes.append(exp.CTE(this=new, alias=exp.TableAlias(this=exp.to_identifier(one.alias))))
        new, _ = self._query(query)
        if self._ctes:
            new.set("with_", exp.With(expressions=self._ctes))
        assert isinstance(new, exp.Query)
        _without_unused(new)
        return new

    def _query(self, node: Expr, is_named: bool = False) -> tuple[Expr, tuple[Column, ...]]:
        """Return a query written out, and its columns; if `is_named`, with no star in it."""
        if isinstance(node, exp.Subquery):
            return self._query(node.this, is_named)
        if isinstance(node, exp.SetOperation):
            return self._united(node, is_named)
        assert isinstance(node, exp.Select)
        return self._select(node, is_named)

    def _united(self, node: exp.SetOperation, is_named: bool) -> tuple[Expr, tuple[Column, ...]]:
        by_name = bool(node.args.get("by_name"))
        left, columns = self._query(node.this, is_named or by_name)
        right, others = self._query(node.expression, is_named or by_name)
        if by_name:
            columns = (*columns, *(one for one in others if one not in columns))
            _align(left, columns)
            _align(right, columns)
        if isinstance(right, exp.Select) and _is_empty(right):
            return left, columns
        return type(node)(this=left, expression=right, distinct=node.args.get("distinct")), columns

    def _select(self, node: exp.Select, is_named: bool) -> tuple[Expr, tuple[Column, ...]]:
        node = node.copy()
        sources = [*self._sources(node)]
        for one in _queries_within(node):
            one.replace(self._query(one)[0])
        _name_windows(node)
        has_unnest = any(
            is_call(one, "unnest") for item in node.expressions for one in item.find_all(exp.Anonymous)
        )
        keeps_star = not (is_named or has_unnest or node.args.get("qualify"))
        items, columns = self._items(node, sources, keeps_star)
        node.set("expressions", items)
        Names(node, sources, columns).resolve()
        self._type_rows(node)
        if node.args.get("qualify"):
            node = _unqualified(node, columns)
        if has_unnest:
            node = self._unnest(node)
        return node, columns

    def _sources(self, node: exp.Select) -> Iterator[Source]:
        from_ = node.args.get("from_")
        joins = node.args.get("joins") or []
        for place in [*([from_] if from_ else []), *joins]:
            source = self._source(place)
            if not (isinstance(place, exp.Join) and place.kind in ("SEMI", "ANTI")):
                yield source

    def _source(self, place: Expr) -> Source:
        item = place.this
        alias = item.args.get("alias")
        if isinstance(item, exp.Table):
            name = item.name
            columns = self._tables[name]
        elif isinstance(item, exp.Values):
            columns = tuple(Column(one.name, (one.name,)) for one in alias.columns)
        else:
            query, columns = self._query(item.this)
            item.set("this", query)
            name = ""
        if alias is not None and alias.columns:
            names = [one.name for one in alias.columns]
            rest = columns[len(names) :]
            columns = (*(Column(one, (one,)) for one in names), *rest)
        return Source(item.alias or name, columns)

    def _items(
        self, node: exp.Select, sources: list[Source], keeps_star: bool
    ) -> tuple[list[Expr], tuple[Column, ...]]:
        """Return the results of a query one by one, and its columns."""
        items: list[Expr] = []
        columns: list[Column] = []
        for item in node.expressions:
            if is_call(item, "columns"):
                found = chosen(item.expressions[0], sources)
                for source, column in found:
                    items += parts_of(source, column, sources)
                    columns.append(column)
            elif star_of(item) is not None:
                star = star_of(item)
                assert star is not None
                found = starred(item, sources)
                columns += [column for _, column in found]
                if keeps_star and not star.args.get("except_") and not star.args.get("replace"):
                    items.append(item)
                    continue
                new = {one.alias: one for one in star.args.get("replace") or []}
                for source, column in found:
                    items += [new[column.name]] if column.name in new else parts_of(source, column, sources)
            elif isinstance(item, exp.Alias) and is_call(item.this, "row"):
                cells = [*cells_of(item.this, sources)]
                names = tuple(f"{item.alias}_{number}" for number in range(1, len(cells) + 1))
                items += [exp.alias_(cell, name) for cell, name in zip(cells, names, strict=True)]
                columns.append(Column(item.alias, names))
            else:
                items.append(item)
                name = item.alias_or_name
                columns.append(Column(name, (name,)))
        return items, tuple(columns)

    def _type_rows(self, node: exp.Select) -> None:
        """Give each row that is made the names and types of its fields, which others want to be told."""
        for one in [*node.find_all(exp.Anonymous)]:
            if not is_call(one, "struct_pack"):
                continue
            names = [part.this.name for part in one.expressions]
            cells = [part.expression for part in one.expressions]
            probe = exp.Select(
                expressions=[exp.alias_(cell.copy(), f"c{number}") for number, cell in enumerate(cells)],
                from_=node.args["from_"].copy(),
                joins=[join.copy() for join in node.args.get("joins") or []],
            )
            if self._ctes:
                probe.set("with_", exp.With(expressions=[cte.copy() for cte in self._ctes]))
            kinds = [kind for _, kind in described(written(probe))]
            fields = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, kinds, strict=True))
            row = exp.Anonymous(this="row", expressions=[cell.copy() for cell in cells])
            one.replace(exp.cast(row, exp.DataType.build(f"STRUCT({fields})", dialect="duckdb")))

    def _unnest(self, node: exp.Select) -> exp.Select:
        """Return a query with the lists that become rows among what it reads."""
        for item in node.expressions:
            for one in [*item.find_all(exp.Anonymous)]:
                if is_call(one, "unnest"):
                    self._unnested += 1
                    new = _joined(node, item, one, f"unnested_{self._unnested}")
                    if new is not node:
                        return new
        return node


def _without_unused(query: exp.Query) -> None:
    """Take columns out of the queries of WITH that nothing asks for, by their names."""
    if any(star_of(one) for one in query.selects):
        return
    count = -1
    while count != (count := _take_unused(query)):
        pass


def _take_unused(query: exp.Query) -> int:
    """Take out what nothing asks for; return how many columns are left."""
    # What stands before a point may be a column too, whose value is a row.
    used = {name for one in query.find_all(exp.Column) for name in (one.name, one.table)}
    left = 0
    for cte in query.ctes:
        one = cte.this
        if isinstance(one, exp.Select) and not any(one.args.get(key) for key in ("group", "distinct")):
            items = one.expressions
            kept = [item for item in items if not isinstance(item, exp.Alias) or item.alias in used]
            one.set("expressions", kept or items[:1])
            left += len(one.expressions)
    return left


def _joined(node: exp.Select, item: Expr, called: exp.Anonymous, alias: str) -> exp.Select:
    """Join a list to the query whose result its entries are."""
    array = called.expressions[0]
    name = exp.to_identifier(item.alias_or_name)
    if aggregates(array):
        series = exp.Select(
            **{
                **{
                    key: value
                    for key, value in node.args.items()
                    if key in ("from_", "joins", "where", "group")
                },
                "expressions": [exp.alias_(array.copy(), "series")],
            }
        )
        node = exp.Select(
            expressions=[item],
            from_=exp.From(
                this=exp.Subquery(this=series, alias=exp.TableAlias(this=exp.to_identifier("spanned")))
            ),
        )
        array = exp.column("series", "spanned")
        called = next(one for one in item.find_all(exp.Anonymous) if is_call(one, "unnest"))
    if isinstance(array, exp.Array) and all(isinstance(one, exp.Cast) for one in array.expressions):
        # Which of a few rows it is, by its number: a list of rows is not the same everywhere.
        numbers = [exp.Tuple(expressions=[exp.Literal.number(n)]) for n, _ in enumerate(array.expressions, 1)]
        position = exp.column("position", alias)
        names = exp.TableAlias(this=exp.to_identifier(alias), columns=[exp.to_identifier("position")])
        source: Expr = exp.Values(expressions=numbers, alias=names)
        ifs = [
            exp.If(this=exp.Literal.number(n), true=one.copy()) for n, one in enumerate(array.expressions, 1)
        ]
        called.replace(exp.Case(this=position, ifs=ifs))
    else:
        names = exp.TableAlias(this=exp.to_identifier(alias), columns=[name])
        source = exp.Unnest(expressions=[array.copy()], alias=names)
        called.replace(exp.column(name.copy(), alias))
    node.append("joins", exp.Join(this=source, kind="CROSS"))
    return node


def _unqualified(node: exp.Select, columns: tuple[Column, ...]) -> exp.Select:
    """Return what QUALIFY is without it: a condition that is a column, and is asked for outside."""
    condition = node.args["qualify"].this
    node.set("qualify", None)
    node.append("expressions", exp.alias_(condition.copy(), "is_kept"))
    names = [exp.column(part) for column in columns for part in column.parts]
    ranked = exp.Subquery(this=node, alias=exp.TableAlias(this=exp.to_identifier("ranked")))
    return exp.Select(
        expressions=names, from_=exp.From(this=ranked), where=exp.Where(this=exp.column("is_kept"))
    )


def _name_windows(node: exp.Select) -> None:
    """Write the windows that have a name where they are used."""
    named = {one.this.name: one for one in node.args.get("windows") or []}
    node.set("windows", None)
    for window in node.find_all(exp.Window):
        given = named.get(window.alias)
        if given is not None:
            window.set("alias", None)
            for key in ("partition_by", "order", "spec"):
                window.set(key, _copied(given.args.get(key)))


def _copied(value: Any) -> Any:
    return [one.copy() for one in value] if isinstance(value, list) else value and value.copy()


def _align(query: Expr, columns: tuple[Column, ...]) -> None:
    """Give a query these columns, in this order; what it lacks is NULL."""
    assert isinstance(query, exp.Select)
    items = {one.alias_or_name: one for one in query.expressions}
    names = [part for column in columns for part in column.parts]
    query.set("expressions", [items.get(name) or exp.alias_(exp.null(), name) for name in names])


def _is_empty(node: exp.Select) -> bool:
    where = node.args.get("where")
    return where is not None and where.this == exp.false() and not any(map(aggregates, node.expressions))


def _queries_within(node: Expr) -> Iterator[exp.Query]:
    """Yield the queries in the expressions of a query, not those in them."""
    for key, value in node.args.items():
        if key in ("from_", "with_"):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, exp.Join):
                yield from _queries_within(exp.Tuple(expressions=[on] if (on := one.args.get("on")) else []))
            elif isinstance(one, exp.Select | exp.SetOperation):
                yield one
            elif isinstance(one, exp.Expression):
                yield from _queries_within(one)
