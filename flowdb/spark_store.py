"""A store that a Spark session asks: its views and functions there, and one method for each analysis."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from flowdb.analyses import Analysis, analyses
from flowdb.asking import Asking
from flowdb.errors import QueryError, UsageError
from flowdb.groups import without_groups
from flowdb.methods import question
from flowdb.names import groups_of
from flowdb.nearest import meant
from flowdb.opening import open_store
from flowdb.settings import Settings
from flowdb.spark_functions import function_statements
from flowdb.spark_tables import frame, tables_of
from flowdb.spark_views import spark_query, view_statements
from flowdb.store import GRACE
from flowdb.urls import is_url, place_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkStore", "attached"]

_ZONE = "spark.sql.session.timeZone"
_UTC = re.compile(r"(Etc/)?(UTC|GMT|UCT|Zulu|Universal)|Z|(UTC|GMT)?[+-]0?0(:?00)?", re.IGNORECASE)
_PREFIX = re.compile(r"\w*", re.ASCII)


class SparkStore(Asking["DataFrame"]):
    """A store as a Spark session asks it; results are Spark's DataFrames.

    Each analysis is a method, with its parameters as keywords: `store.top_talkers(by="pair", top=20)`.
    What is asked is answered from the commit that was the newest when the store was attached.
    """

    def __init__(
        self, spark: SparkSession, place: str, own: str, groups: Mapping[str, Sequence[str]]
    ) -> None:
        self.spark = spark
        self.place = place
        self._own = own
        self._groups = groups
        self._layouts: list[str] | None = None

    def sql(self, query: str, args: Mapping[str, object] | Sequence[object] | None = None) -> DataFrame:
        """Return the result of a query in Spark's SQL; `args` are the values of its `:name` or `?`."""
        given = dict(args) if isinstance(args, Mapping) else None if args is None else list(args)
        return self.spark.sql(query, args=given)

    def __repr__(self) -> str:
        return f"SparkStore({self.place!r})"

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *analyses()]

    if not TYPE_CHECKING:  # to which Asking tells the methods

        def __getattr__(self, name: str) -> Callable[..., DataFrame]:
            analysis = analyses().get(name)
            if analysis is None:
                near = "" if name.startswith("_") else meant(name, dir(self))
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{near}")
            return question(analysis, partial(self._answer, analysis))

    def _answer(self, analysis: Analysis, given: Mapping[str, object], names: bool) -> DataFrame:
        if names:
            raise UsageError(f"{analysis.name}: names are for a store that is opened with flowdb.open()")
        values = without_groups(analysis, given, lambda: self._groups)
        query = spark_query(analysis.name, values, self._own)
        _check_zone(self.spark)
        if lacking := self._lacking(analysis):
            raise QueryError(f"{analysis.name} needs {lacking}, a field that no log here has", query)
        return self.spark.sql(query)

    def _lacking(self, analysis: Analysis) -> str | None:
        """Return the first field that an analysis needs and no log has; nothing where there is no log."""
        if analysis.needs and self._layouts is None:
            asked = f"SELECT DISTINCT layout FROM {self._own}_sources WHERE records > 0"
            self._layouts = [row.layout for row in self.spark.sql(asked).collect()]
        # Where nobody knows the layout of a log, it may have any field.
        if not analysis.needs or not self._layouts or "" in self._layouts:
            return None
        known = {field for layout in self._layouts for field in layout.split(" ")}
        return min(set(analysis.needs) - known, default=None)


def attached(
    spark: SparkSession,
    location: str | os.PathLike[str],
    *,
    storage: Mapping[str, object] | None = None,
    prefix: str = "",
) -> SparkStore:
    """Return a store that a session is given, as `flowdb.spark.attach` does."""
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(f"prefix is {prefix!r}; expected letters, digits and _")
    _check_zone(spark)
    place = place_of(location)
    store = open_store(place, GRACE, storage)
    try:
        # A path without a scheme may be one of the cluster's own storage.
        base = place.rstrip("/") if is_url(place) else f"file://{store.folder.base}"
        tables = tables_of(store, base)
        groups = groups_of(Settings.read(store.root))
    finally:
        store.close()
    frames = {name: frame(spark, table) for name, table in tables.items()}
    for name, rows in frames.items():
        rows.createOrReplaceTempView(f"{prefix}{name}")
    # Methods ask by names that nobody else gives, whatever a session has for `flows` by then.
    own = f"flowdb_{uuid4().hex}"
    for name in ("flows", "sources"):
        frames[name].createOrReplaceTempView(f"{own}_{name}")
    for statement in (*view_statements(own, prefix), *function_statements(prefix)):
        spark.sql(statement)
    return SparkStore(spark, store.place, own, groups)


def _check_zone(spark: SparkSession) -> None:
    """Raise `UsageError` for a session that is not in UTC, where hours and dates would be others."""
    zone = str(spark.conf.get(_ZONE))
    if not _UTC.fullmatch(zone):
        raise UsageError(
            f"{_ZONE} is {zone!r}, and flow logs are in UTC; set it with: spark.conf.set({_ZONE!r}, 'UTC')"
        )
