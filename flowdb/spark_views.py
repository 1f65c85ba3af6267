"""The views of a store that are made of others, as Spark's SQL: compatibility, coverage, constants."""

from __future__ import annotations

from collections.abc import Iterator

from flowdb.constants import rows_of, values_query
from flowdb.macros import CONSTANT_VIEWS
from flowdb.rendered_spark import written
from flowdb.rendering import renderings

__all__ = ["view_statements"]


def view_statements(own: str, prefix: str) -> Iterator[str]:
    """Yield the statements that make temporary views; `own` is what the store's own tables begin with."""
    coverage = renderings("coverage", dialects=("spark",), table=f"{own}_flows", sources=f"{own}_sources")
    views = {"coverage": coverage["spark"]}
    for name in CONSTANT_VIEWS:
        rows = values_query(*rows_of(f"FROM {name}"))
        assert rows is not None
        views[name] = written(rows)
    for name, query in views.items():
        yield f"CREATE OR REPLACE TEMPORARY VIEW `{prefix}{name}` AS {query}"
