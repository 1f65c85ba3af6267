"""Writes the macros that a query calls into it, and computes what is known of it beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from flowdb.constants import is_literal, is_null, literal_of, rows_of, value_of, values_query
from flowdb.macros import CONSTANT_VIEWS, call, closed, macro, macros, rebuilt, written
from flowdb.replacements import AGGREGATES, aggregates, is_call, replaced
from flowdb.simplification import only_star, simplified

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["expanded", "expanded_function"]

_Values = Mapping[str, "Expr"]
# They make rows, or are looked at later, and so have no value of their own.
_LEFT = frozenset(
    (
        *("columns", "error", "grouping", "hash", "lag", "lead"),
        *("rank", "row", "row_number", "struct_pack", "unnest"),
    )
)
_OWN_VIEWS = {"flowdb_hourly", "flowdb_unsummed"}
_FOLDED = (
    exp.Anonymous,
    exp.Binary,
    exp.Between,
    exp.Bracket,
    exp.Case,
    exp.Cast,
    exp.Exists,
    exp.Extract,
    exp.In,
    exp.Not,
)


def expanded(name: str, arguments: _Values, taken: set[str]) -> exp.Query:
    """Return the query of an analysis, whose parameters have these values, without a macro in it.

    No table that it names itself has a name that is `taken`.
    """
    return _Expansion(taken).analysis(name, arguments)


def expanded_function(name: str) -> Expr:
    """Return a macro's expression over columns named as its parameters, without a macro in it."""
    return _Expansion(set())._reduced(call(name, *map(exp.column, macro(name).parameters)), {})


class _Expansion:
    """One query that is expanded: which names its tables have, and what of it is known."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = set(taken)
        self._hoisted: list[exp.CTE] = []
        self._known: dict[str, Expr] = {}
        self._lambdas = 0

    def analysis(self, name: str, arguments: _Values) -> exp.Query:
        query = self._body(name, arguments)
        if ctes := self._reachable(query):
            query.set("with_", exp.With(expressions=ctes))
        assert isinstance(query, exp.Query)
        return query

    def _body(self, name: str, arguments: _Values) -> Expr:
        """Return the body of a table macro; what its WITH has is among what all of the query has."""
        made = macro(name)
        values = {**self._defaults(name), **arguments}
        body = made.body.copy()
        renamed: dict[str, str] = {}
        with_ = body.args.get("with_")
        if with_ is not None:
            body.set("with_", None)
            for one in with_.expressions:
                self._rename(one.this, renamed)
                new = self._free(one.alias)
                renamed[one.alias] = new
                query = self._reduced(one.this, values)
                self._add(new, query)
            self._rename(body, renamed)
        return self._reduced(body, values)

    def _add(self, name: str, query: Expr) -> None:
        """Keep a query of WITH; one of which all is known is its rows."""
        if self._is_known(query):
            rows = values_query(*rows_of(self._standing_alone(query)))
            self._known[name] = query = query if rows is None else rows
        alias = exp.TableAlias(this=exp.to_identifier(name))
        self._hoisted.append(exp.CTE(this=query, alias=alias))

    def _free(self, name: str) -> str:
        new, number = name, 2
        while new.lower() in self._taken:
            new, number = f"{name}_{number}", number + 1
        self._taken.add(new.lower())
        return new

    @staticmethod
    def _rename(body: Expr, renamed: Mapping[str, str]) -> None:
        """Give the tables of a body the names that they have now; columns keep the ones that they use."""
        for one in body.find_all(exp.Table):
            new = renamed.get(one.name) if isinstance(one.this, exp.Identifier) and not one.db else None
            if new is not None and new != one.name:
                if not one.alias:
                    one.set("alias", exp.TableAlias(this=exp.to_identifier(one.name)))
                one.set("this", exp.to_identifier(new))

    def _reachable(self, query: Expr) -> list[exp.CTE]:
        """Return the queries of WITH that are asked, in their order."""
        found: list[exp.CTE] = []
        asked = _tables(query)
        for one in reversed(self._hoisted):
            if one.alias in asked:
                asked |= _tables(one.this)
                found.append(one)
        return found[::-1]

    def _is_known(self, query: Expr) -> bool:
        """Tell whether a query reads rows, and only such as are known."""
        tables = _tables(query)
        has_rows = tables or any(one.name.lower() == "unnest" for one in query.find_all(exp.Anonymous))
        return bool(has_rows) and tables <= {*self._known, *CONSTANT_VIEWS}

    def _standing_alone(self, query: Expr) -> str:
        """Return a query with those in it that are known."""
        asked = _tables(query)
        found: list[str] = []
        for name in reversed(self._known):
            if name in asked:
                asked |= _tables(self._known[name])
                found.append(f'"{name}" AS ({written(self._known[name])})')
        return f"WITH {', '.join(found[::-1])} {written(query)}" if found else written(query)

    def _reduced(self, node: Expr, values: _Values) -> Expr:
        """Return a tree with parameters, macros and what is known of it written out."""
        if isinstance(node, exp.Column):
            return self._column(node, values)
        if isinstance(node, exp.Table):
            return self._table(node, values)
        if isinstance(node, exp.Lambda):
            return self._lambda(node, values)
        if isinstance(node, exp.Star):
            return node.copy() if not node.args.get("replace") else self._rest(node, values)
        if isinstance(node, exp.Select):
            return self._select(node, values)
        if isinstance(node, exp.SetOperation):
            return self._united(node, values)
        if isinstance(node, exp.Anonymous):
            return self._call(node, values)
        if isinstance(node, exp.Subquery) and not isinstance(node.parent, exp.From | exp.Join):
            return self._scalar(node, values)
        if isinstance(node, exp.Case):
            return self._case(node, values)
        if isinstance(node, exp.And | exp.Or):
            return self._connected(node, values)
        if isinstance(node, exp.Alias) and isinstance(node.this, exp.Cast) and is_literal(node.this.this):
            return node.copy()  # which tells the type of a column
        return self._rest(node, values)

    def _rest(self, node: Expr, values: _Values) -> Expr:
        return self._folded(simplified(rebuilt(node, lambda one: self._reduced(one, values))))

    def _folded(self, node: Expr) -> Expr:
        """Return the value of an operation whose operands are known, or the node as it is."""
        if not isinstance(node, _FOLDED):
            return node
        if is_call(node, *AGGREGATES, *_LEFT) or isinstance(node, exp.PropertyEQ):
            return node
        if all(_is_known(one) for one in node.iter_expressions()):
            found = value_of(node)
            return node if found is None else found
        return node

    def _column(self, node: exp.Column, values: _Values) -> Expr:
        if not node.table and isinstance(node.this, exp.Identifier):
            value = values.get(node.name)
            if value is not None:
                return closed(value.copy())
        return node.copy() if not isinstance(node.this, exp.Star) else self._rest(node, values)

    def _table(self, node: exp.Table, values: _Values) -> Expr:
        called = node.this
        if not isinstance(called, exp.Anonymous) or called.name.lower() not in macros():
            return self._rest(node, values)
        name = called.name.lower()
        body = self._body(name, self._arguments(called, values))
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
        return exp.Subquery(this=body, alias=alias.copy())

    def _arguments(self, node: exp.Anonymous, values: _Values) -> dict[str, Expr]:
        names = list(macro(node.name.lower()).parameters)
        found: dict[str, Expr] = {}
        for name, one in zip(names, node.expressions, strict=False):
            is_named = isinstance(one, exp.PropertyEQ)
            found[one.this.name if is_named else name] = self._reduced(
                one.expression if is_named else one, values
            )
        return found

    def _call(self, node: exp.Anonymous, values: _Values) -> Expr:
        name = node.name.lower()
        if name == "needs":
            return exp.true()
        if name == "has_rollups":
            return exp.false()
        if name == "coalesce":
            return self._first_there(node, values)
        if name not in macros() or macro(name).is_table:
            return self._rest(node, values)
        arguments = self._arguments(node, values)
        known = [*arguments.values()]
        if all(map(is_literal, known)):
            found = value_of(call(name, *(one.copy() for one in self._positional(node, arguments))))
            if found is not None:
                return found
        new = replaced(name, {**self._defaults(name), **arguments})
        if new is not None:
            return new
        made = macro(name)
        return closed(self._reduced(made.body, {**self._defaults(name), **arguments}))

    def _first_there(self, node: exp.Anonymous, values: _Values) -> Expr:
        """Return COALESCE without what is never looked at."""
        kept: list[Expr] = []
        for one in node.expressions:
            new = self._reduced(one, values)
            if not is_null(new) or (one is node.expressions[-1] and not kept):
                kept.append(new)
            if is_literal(new) and not is_null(new):
                break
        return closed(kept[0]) if len(kept) == 1 else exp.Anonymous(this=node.this, expressions=kept)

    @staticmethod
    def _defaults(name: str) -> dict[str, Expr]:
        return {key: one for key, one in macro(name).parameters.items() if one is not None}

    @staticmethod
    def _positional(node: exp.Anonymous, arguments: _Values) -> list[Expr]:
        required = [key for key, default in macro(node.name.lower()).parameters.items() if default is None]
        named = [
            exp.PropertyEQ(this=exp.to_identifier(key), expression=one.copy())
            for key, one in arguments.items()
            if key not in required
        ]
        return [*(arguments[key] for key in required), *named]

    def _lambda(self, node: exp.Lambda, values: _Values) -> Expr:
        """Return a lambda whose own names are none that what is put into it has."""
        names = [one.name for one in node.expressions]
        inner = {key: one for key, one in values.items() if key not in names}
        used = {word.name for one in inner.values() for word in one.find_all(exp.Identifier)}
        body = node.copy()
        for name in names:
            if name in used:
                self._lambdas += 1
                for word in [*body.find_all(exp.Identifier)]:
                    if word.name == name and not isinstance(word.parent, exp.Alias):
                        word.set("this", f"{name}_{self._lambdas}")
        return exp.Lambda(
            this=self._reduced(body.this, inner), expressions=[one.copy() for one in body.expressions]
        )

    def _scalar(self, node: exp.Subquery, values: _Values) -> Expr:
        """Return a query in parentheses, or its value if it reads only what is known."""
        new = self._rest(node, values)
        tables = _tables(new)
        if not tables or not tables <= {*self._known, *CONSTANT_VIEWS}:
            return new
        if _outer_columns(new):
            return new
        columns, rows = rows_of(self._standing_alone(new.this))
        value = rows[0][0] if rows else None
        return literal_of(value, columns[0][1]) or new

    def _case(self, node: exp.Case, values: _Values) -> Expr:
        """Return what is left of CASE without branches that are never taken; they are not looked at."""
        subject = node.this and self._reduced(node.this, values)
        branches: list[exp.If] = []
        first: Expr | None = None
        default = node.args.get("default")
        for one in node.args["ifs"]:
            if subject is None:
                condition = self._reduced(one.this, values)
            elif is_literal(subject):
                told = exp.EQ(this=closed(subject.copy()), expression=closed(self._reduced(one.this, values)))
                condition = self._folded(told)
            else:
                condition = self._reduced(one.this, values)
                branches.append(exp.If(this=condition, true=self._reduced(one.args["true"], values)))
                continue
            first = first or one.args["true"]
            if is_null(condition) or _is(condition, False):
                continue
            if _is(condition, True):
                default = one.args["true"]
                break
            branches.append(exp.If(this=condition, true=self._reduced(one.args["true"], values)))
        rest = None if default is None else self._reduced(default, values)
        if branches:
            is_told = subject is not None and not is_literal(subject)
            made = exp.Case(this=subject if is_told else None, ifs=branches, default=rest)
            return self._folded(made) if all(map(_is_known, made.iter_expressions())) else made
        if rest is not None:
            return closed(rest)
        assert first is not None
        value = self._reduced(first, values)
        # The type of what it never is.
        made = exp.Case(ifs=[exp.If(this=exp.false(), true=value)])
        return (value_of(made) or made) if is_literal(value) else made

    def _connected(self, node: Expr, values: _Values) -> Expr:
        """Return AND or OR without operands that tell nothing, or what one that tells all says."""
        ends = isinstance(node, exp.Or)
        kept: list[Expr] = []
        for one in node.flatten(unnest=False):
            new = self._reduced(one, values)
            if _is(new, ends):
                # What was before it cannot tell otherwise.
                return exp.Boolean(this=ends)
            if not _is(new, not ends):
                kept.append(new if isinstance(new.unnest(), exp.Connector) else new.unnest())
        if not kept:
            return exp.Boolean(this=not ends)
        made = kept[0]
        for one in kept[1:]:
            made = type(node)(this=made, expression=one)
        return self._folded(made) if all(map(_is_known, kept)) else made

    def _united(self, node: exp.SetOperation, values: _Values) -> Expr:
        """Return UNION without what would read the views of hourly sums, which no other engine has."""
        new = rebuilt(node, lambda one: self._reduced(one, values))
        ends: tuple[Expr, Expr] = (new.this, new.expression)
        for one, other in (ends, ends[::-1]):
            if _tables(one) and _tables(one) <= _OWN_VIEWS:
                assert _is(one.args["where"].this, False)
                return other
        return new

    def _select(self, node: exp.Select, values: _Values) -> Expr:
        had = _has_aggregate(node)
        ordered = node.args.get("order")
        new = rebuilt(node, lambda one: self._reduced(one, values))
        assert isinstance(new, exp.Select)
        limit = new.args.get("limit")
        if limit is not None and is_null(limit.expression):
            new.set("limit", None)
        for clause in ("where", "having", "qualify"):
            if (one := new.args.get(clause)) is not None and _is(one.this, True):
                new.set(clause, None)
        if ordered is not None:
            pairs = zip(ordered.expressions, new.args["order"].expressions, strict=True)
            kept = [made for given, made in pairs if is_literal(given.this) or not is_literal(made.this)]
            new.set("order", exp.Order(expressions=kept) if kept else None)
        if had and not node.args.get("group") and not _has_aggregate(new):
            # All rows made one, whatever there is.
            for clause in ("from_", "joins", "where"):
                new.set(clause, None)
        return only_star(new)


def _is(node: Expr, value: bool) -> bool:
    while isinstance(node, exp.Paren):
        node = node.this
    return isinstance(node, exp.Boolean) and node.this is value


def _is_known(node: Any) -> bool:
    if isinstance(node, exp.DataType | exp.Var):
        return True
    if isinstance(node, exp.Lambda):
        own = {one.name for one in node.expressions}
        words = node.this.find_all(exp.Identifier)
        used = {one.name for one in words if not isinstance(one.parent, exp.Dot)}
        return node.find(exp.Column) is None and used <= own
    if isinstance(node, exp.If):
        return is_literal(node.this) and is_literal(node.args["true"])
    return is_literal(node)


def _has_aggregate(node: exp.Select) -> bool:
    """Tell whether a query itself has an aggregate, outside of those within it."""
    places = [*node.expressions, node.args.get("having"), node.args.get("order")]
    return any(aggregates(one) for one in places if one is not None)


def _tables(node: Expr) -> set[str]:
    return {one.name for one in node.find_all(exp.Table)}


def _outer_columns(node: Expr) -> bool:
    """Tell whether a query in parentheses has columns of none of its own tables."""
    own = {one.alias_or_name for one in node.find_all(exp.Table, exp.Subquery)} - {""}
    return any(one.table not in own for one in node.find_all(exp.Column))
