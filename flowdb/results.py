"""What a question gives: a DuckDB relation that a notebook shows, and that can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import duckdb

    _Relation = duckdb.DuckDBPyRelation
else:
    _Relation = object

__all__ = ["Result"]


class Result(_Relation):
    """A `duckdb.DuckDBPyRelation`, to whom asks for its class too, with `plot()` and a look in notebooks.

    `analysis` is the name of the one that was asked; `named` gives the same rows with the names of
    ids, if there are names.
    """

    def __init__(
        self,
        relation: duckdb.DuckDBPyRelation,
        analysis: str = "",
        named: Callable[[], duckdb.DuckDBPyRelation | None] = lambda: None,
    ) -> None:
        self._relation = relation
        self._analysis = analysis
        self._named = named

    def plot(self) -> alt.Chart:
        """Return a chart that fits the columns: over time, or bars of what is ranked by.

        Altair, of `pip install 'flowdb[report]'`, draws it. Raises `UsageError` where nothing can be drawn.
        """
        from flowdb.charts import chart

        return chart(self._relation, self._analysis)

    def _repr_html_(self) -> str:
        from flowdb.notebook import ROWS, rows_html
        from flowdb.output import fetched

        named = self._named()
        shown = self._relation if named is None else named
        return rows_html(*fetched(shown, ROWS + 1, spare=named is not None))

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        import duckdb

        return duckdb.DuckDBPyRelation

    def __getattr__(self, name: str) -> Any:
        # Else a notebook would have DuckDB's look, and a copy without values look for them for ever.
        if name.startswith(("_repr_", "_ipython_")) or name == "_relation":
            raise AttributeError(name)
        return getattr(self._relation, name)

    def __getitem__(self, name: str) -> Any:
        return self._relation[name]

    def __contains__(self, name: str) -> bool:
        return name in self._relation

    def __len__(self) -> int:
        return len(self._relation)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._relation.__arrow_c_stream__(requested_schema)

    def __dir__(self) -> Iterable[str]:
        return sorted({*dir(self._relation), "plot"})

    def __repr__(self) -> str:
        return repr(self._relation)

    def __str__(self) -> str:
        return str(self._relation)
