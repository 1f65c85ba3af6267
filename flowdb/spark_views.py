"""The views of a store that are made of others, as Spark's SQL: compatibility, coverage, constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from flowdb.constants import rows_of, values_query
from flowdb.macros import CONSTANT_VIEWS, parsed
from flowdb.own_tables import BUILT_IN, built_in_query
from flowdb.rendered_spark import written
from flowdb.rendering import renderings

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

__all__ = ["spark_query", "view_statements"]


def spark_query(name: str, values: Mapping[str, object], own: str) -> str:
    """Return the query of an analysis over the tables of a store, whose names begin with `own`."""
    made = renderings(name, values, dialects=("spark",), table=f"{own}_flows", sources=f"{own}_sources")
    return made["spark"]


def view_statements(own: str, prefix: str) -> Iterator[str]:
    """Yield the statements that make temporary views; `own` is what the store's own tables begin with."""
    views = {"coverage": spark_query("coverage", {}, own), BUILT_IN: written(_over(own, built_in_query()))}
    for name in (one for one in CONSTANT_VIEWS if one != "flowdb_services"):
        rows = values_query(*rows_of(f"FROM {name}"))
        assert rows is not None
        views[name] = written(rows)
    for name, query in views.items():
        yield f"CREATE OR REPLACE TEMPORARY VIEW `{prefix}{name}` AS {query}"


def _over(own: str, query: str) -> Expr:
    """Return a query over a store's views as one over its tables."""
    tree: Expr = parsed(query)
    for one in [*tree.find_all(exp.Table)]:
        new = exp.Table(this=exp.to_identifier(f"{own}_{one.name}"))
        new.set("alias", exp.TableAlias(this=exp.to_identifier(one.alias or one.name)))
        one.replace(new)
    return tree
