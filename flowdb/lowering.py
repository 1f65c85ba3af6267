"""Writes out what DuckDB's SQL leaves unsaid, so that the same query can be said in another engine's.

Columns that `*`, `COLUMNS(...)` and `GROUP BY ALL` stand for, names of results that other parts
of a query use, `UNION BY NAME`, `QUALIFY`, `unnest` among results, rows that are sorted by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from flowdb.constants import described, is_literal, rows_of
from flowdb.macros import closed, written
from flowdb.replacements import aggregates, is_call

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["lowered"]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a query: its name, and those of the columns that it is made of, itself or those of a row."""

    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """What a query reads: its name there, and its columns."""

    name: str
    columns: tuple[_Column, ...]


def lowered(query: exp.Query, tables: Mapping[str, Iterable[str]]) -> exp.Query:
    """Return a query with everything said; `tables` has the columns of those that it reads."""
    known = {name: tuple(_Column(one, (one,)) for one in columns) for name, columns in tables.items()}
    return _Lowering(known).whole(query)


class _Lowering:
    """One query that is written out: the tables and queries that have a name in it, and their columns."""

    def __init__(self, tables: dict[str, tuple[_Column, ...]]) -> None:
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
        return new

    def _query(self, node: Expr, is_named: bool = False) -> tuple[Expr, tuple[_Column, ...]]:
        """Return a query written out, and its columns; if `is_named`, with no star in it."""
        if isinstance(node, exp.Subquery):
            return self._query(node.this, is_named)
        if isinstance(node, exp.SetOperation):
            return self._united(node, is_named)
        assert isinstance(node, exp.Select)
        return self._select(node, is_named)

    def _united(self, node: exp.SetOperation, is_named: bool) -> tuple[Expr, tuple[_Column, ...]]:
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

    def _select(self, node: exp.Select, is_named: bool) -> tuple[Expr, tuple[_Column, ...]]:
        node = node.copy()
        sources = [*self._sources(node)]
        for one in _queries_within(node):
            one.replace(self._query(one)[0])
        _name_windows(node)
        has_unnest = any(is_call(one, "unnest") for item in node.expressions for one in item.find_all(exp.Anonymous))
        keeps_star = not (is_named or has_unnest or node.args.get("qualify"))
        items, columns = self._items(node, sources, keeps_star)
        node.set("expressions", items)
        _Names(node, sources, columns).resolve()
        self._type_rows(node)
        if node.args.get("qualify"):
            node = _unqualified(node, columns)
        if has_unnest:
            node = self._unnest(node)
        return node, columns

    def _sources(self, node: exp.Select) -> Iterator[_Source]:
        from_ = node.args.get("from_")
        joins = node.args.get("joins") or []
        for place in [*([from_] if from_ else []), *joins]:
            source = self._source(place)
            if not (isinstance(place, exp.Join) and place.kind in ("SEMI", "ANTI")):
                yield source

    def _source(self, place: Expr) -> _Source:
        item = place.this
        alias = item.args.get("alias")
        if isinstance(item, exp.Table):
            name = item.name
            columns = self._tables[name]
        elif isinstance(item, exp.Values):
            columns = tuple(_Column(one.name, (one.name,)) for one in alias.columns)
        else:
            query, columns = self._query(item.this)
            item.set("this", query)
            name = ""
        if alias is not None and alias.columns:
            names = [one.name for one in alias.columns]
            rest = columns[len(names) :]
            columns = (*(_Column(one, (one,)) for one in names), *rest)
        return _Source(item.alias or name, columns)

    def _items(
        self, node: exp.Select, sources: list[_Source], keeps_star: bool
    ) -> tuple[list[Expr], tuple[_Column, ...]]:
        """Return the results of a query one by one, and its columns."""
        items: list[Expr] = []
        columns: list[_Column] = []
        for item in node.expressions:
            if is_call(item, "columns"):
                found = _chosen(item.expressions[0], sources)
                for source, column in found:
                    items += _parts(source, column, sources)
                    columns.append(column)
            elif _star_of(item) is not None:
                star = _star_of(item)
                assert star is not None
                found = _starred(item, sources)
                columns += [column for _, column in found]
                if keeps_star and not star.args.get("except_") and not star.args.get("replace"):
                    items.append(item)
                    continue
                new = {one.alias: one for one in star.args.get("replace") or []}
                for source, column in found:
                    items += [new[column.name]] if column.name in new else _parts(source, column, sources)
            elif isinstance(item, exp.Alias) and is_call(item.this, "row"):
                cells = [*_cells(item.this, sources)]
                names = tuple(f"{item.alias}_{number}" for number in range(1, len(cells) + 1))
                items += [exp.alias_(cell, name) for cell, name in zip(cells, names, strict=True)]
                columns.append(_Column(item.alias, names))
            else:
                items.append(item)
                name = item.alias_or_name
                columns.append(_Column(name, (name,)))
        return items, tuple(columns)

    def _type_rows(self, node: exp.Select) -> None:
        """Give each row that is made the names and types of its fields, which other engines want to be told."""
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


def _joined(node: exp.Select, item: Expr, called: exp.Anonymous, alias: str) -> exp.Select:
    """Join a list to the query whose result its entries are."""
    array = called.expressions[0]
    name = exp.to_identifier(item.alias_or_name)
    if aggregates(array):
        series = exp.Select(
            **{
                **{key: value for key, value in node.args.items() if key in ("from_", "joins", "where", "group")},
                "expressions": [exp.alias_(array.copy(), "series")],
            }
        )
        node = exp.Select(
            expressions=[item],
            from_=exp.From(this=exp.Subquery(this=series, alias=exp.TableAlias(this=exp.to_identifier("spanned")))),
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


def _unqualified(node: exp.Select, columns: tuple[_Column, ...]) -> exp.Select:
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


def _star_of(item: Expr) -> exp.Star | None:
    if isinstance(item, exp.Star):
        return item
    return item.this if isinstance(item, exp.Column) and isinstance(item.this, exp.Star) else None


def _starred(item: Expr, sources: list[_Source]) -> list[tuple[_Source, _Column]]:
    """Return the columns that a star stands for."""
    star = _star_of(item)
    assert star is not None
    left_out = {one.name.lower() for one in star.args.get("except_") or []}
    table = item.table if isinstance(item, exp.Column) else ""
    return [
        (source, column)
        for source in sources
        for column in source.columns
        if table in ("", source.name) and column.name.lower() not in left_out
    ]


def _chosen(given: Expr, sources: list[_Source]) -> list[tuple[_Source, _Column]]:
    """Return the columns that COLUMNS stands for: those of a star, or those whose names a condition takes."""
    if _star_of(given) is not None:
        return _starred(given, sources)
    every = [(source, column) for source in sources for column in source.columns]
    names = exp.Array(expressions=[exp.Literal.string(column.name) for _, column in every])
    tested = exp.Anonymous(this="list_transform", expressions=[names, given.copy()])
    (row,) = rows_of(f"SELECT {written(tested)}")[1]
    return [one for one, is_taken in zip(every, row[0], strict=True) if is_taken]


def _parts(source: _Source, column: _Column, sources: list[_Source]) -> list[Expr]:
    """Return the columns that a column is made of, with the table's name where another has one of the name."""
    return [_column(part, source, sources) for part in column.parts]


def _column(name: str, source: _Source, sources: list[_Source]) -> exp.Column:
    holders = [one for one in sources if any(name in column.parts for column in one.columns)]
    return exp.column(name, source.name if len(holders) > 1 else None)


def _cells(row: Expr, sources: list[_Source]) -> Iterator[Expr]:
    """Yield the cells of a row."""
    for one in row.expressions:
        if is_call(one, "columns"):
            for source, column in _chosen(one.expressions[0], sources):
                yield from _parts(source, column, sources)
        else:
            yield one.copy()


def _align(query: Expr, columns: tuple[_Column, ...]) -> None:
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


class _Names:
    """What the names in a query stand for: columns of what it reads, results of its own, whole rows."""

    def __init__(self, node: exp.Select, sources: list[_Source], made: Iterable[_Column]) -> None:
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
                node.set(key, [self._resolved(one) if isinstance(one, exp.Expression) else one for one in value])
            elif isinstance(value, exp.Expression):
                node.set(key, self._resolved(value))
        return node

    def _number(self, window: exp.Window) -> None:
        """Number rows in an order: a query that is asked twice, as elsewhere, is to have the same numbers."""
        if is_call(window.this, "row_number") and window.args.get("order") is None:
            keys = [exp.column(part) for one in self._columns.values() for part in one.parts]
            window.set("order", exp.Order(expressions=[exp.Ordered(this=key, nulls_first=False) for key in keys]))

    @staticmethod
    def _row(source: _Source) -> Expr:
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
            return [*_cells(key, self._sources)]
        if isinstance(key, exp.Column) and isinstance(key.this, exp.Identifier):
            column = self._made.get(key.name) or self._columns.get(key.name)
            if column is not None and column.parts != (column.name,):
                return [exp.column(part, key.table or None) for part in column.parts]
        return [key]

    def _sorted_by(self, key: Expr, results: set[str]) -> Expr:
        """Return an expression to sort by: a name in it is the column's that is read before a result's."""
        for one in [key] if isinstance(key, exp.Column) else [*key.find_all(exp.Column)]:
            if one.table or not isinstance(one.this, exp.Identifier) or one.find_ancestor(exp.Query) is not None:
                continue
            if one.name in self._physical and one.name in results:
                source = next(
                    source
                    for source in self._sources
                    if any(one.name in column.parts for column in source.columns)
                )
                one.set("table", exp.to_identifier(source.name))
        return key
