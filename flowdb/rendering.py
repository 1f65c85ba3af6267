"""Renders an analysis as a query for another engine: Athena, Trino or Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb import rendered_spark, rendered_trino
from flowdb.analyses import Analysis, find_analysis
from flowdb.constants import literal_of, rows_of
from flowdb.datasets import FLOWS
from flowdb.engine_rules import MOST
from flowdb.errors import ParameterError, UsageError
from flowdb.expansion import expanded
from flowdb.external_tables import DIALECTS, check_table, name_parts, sources_beside
from flowdb.ledger import LEDGERS
from flowdb.lowering import lowered
from flowdb.macros import Plain, call
from flowdb.replacements import LOOKUP, TOTAL, is_call
from flowdb.rewrites import rewritten

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["render", "renderings"]

_SOURCES = "flowdb_sources"


def render(
    name: str,
    values: Mapping[str, object] | None = None,
    *,
    dialect: str = "athena",
    table: str = "flows",
) -> str:
    """Return the query of an analysis, with these values of its parameters, for an engine.

    `table` names the table of the records there; the few analyses that ask the sources too do so
    in the table `sources` beside it. Both are those that `flowdb ddl` defines. Raises the errors
    that the analysis does.
    """
    return renderings(name, values, dialects=(dialect,), table=table)[dialect]


def renderings(
    name: str,
    values: Mapping[str, object] | None = None,
    *,
    dialects: Iterable[str] = DIALECTS,
    table: str = "flows",
    sources: str | None = None,
) -> dict[str, str]:
    """Return the query of an analysis for several engines, by their names, as `render` does for one.

    `duckdb` is one too: the query without flowdb's macros. `sources` names the table of the
    sources where that is not the one beside the table of the records.
    """
    wanted = tuple(dialects)
    for one in wanted:
        if one not in (*DIALECTS, "duckdb"):
            raise UsageError(f"dialect is {one!r}; expected one of: {', '.join(DIALECTS)}")
    check_table(table)
    analysis = find_analysis(name)
    names = {"flows": table, _SOURCES: sources or sources_beside(table)}
    arguments = _arguments(analysis, values or {})
    taken = {*names, *(one.rpartition(".")[2].lower() for one in names.values())}
    query = rewritten(expanded(analysis.name, arguments, taken))
    assert isinstance(query, exp.Query)
    columns = {"flows": FLOWS.sql_columns, _SOURCES: LEDGERS["sources"]}
    tree = lowered(query, columns)
    _name_tables(tree, names)
    return {one: _written(tree, one) for one in wanted}


def _arguments(analysis: Analysis, values: Mapping[str, object]) -> dict[str, Expr]:
    """Return the values as literals, or raise what the analysis raises."""
    _, bound = analysis.query(values)
    for one in analysis.parameters:
        if one.type == "REGION" and bound.get(one.name) is not None:
            regions = [row[0] for row in rows_of("SELECT DISTINCT region FROM prices ORDER BY region")[1]]
            if bound[one.name] not in regions:
                raise ParameterError(
                    analysis.name, one.name, bound[one.name], f"one of: {', '.join(regions)}"
                )
    found = {name: literal_of(value, '"NULL"') for name, value in bound.items()}
    return {name: one for name, one in found.items() if one is not None}


def _name_tables(tree: exp.Query, names: Mapping[str, str]) -> None:
    own = {one.alias for one in tree.find_all(exp.CTE)}
    for one in [*tree.find_all(exp.Table)]:
        if one.name not in names or one.name in own or one.db:
            continue
        parts = [exp.to_identifier(part, quoted=must) for part, must in name_parts(names[one.name])]
        keys = ("this", "db", "catalog")
        new = exp.Table(**dict(zip(keys, reversed(parts), strict=False)))
        new.set("alias", exp.TableAlias(this=exp.to_identifier(one.alias or one.name)))
        one.replace(new)


def _written(tree: exp.Query, dialect: str) -> str:
    if dialect == "spark":
        return rendered_spark.written(tree)
    if dialect == "duckdb":
        plain = tree.transform(_plain)
        return plain.sql(dialect=Plain, pretty=True, normalize_functions=False, comments=False)
    return rendered_trino.written(tree)


def _plain(node: Expr) -> Expr:
    """Return what stands in DuckDB's SQL for a function that the renderer alone has."""
    if is_call(node, TOTAL):
        total = call("sum", node.expressions[0])
        most = exp.If(this=exp.GT(this=total, expression=MOST.copy()), true=MOST.copy())
        return exp.Case(ifs=[most], default=exp.cast(total.copy(), "BIGINT"))
    if is_call(node, LOOKUP):
        keys, names, one = node.expressions
        return exp.Bracket(this=names.copy(), expressions=[call("list_position", keys, one)])
    return node
