"""flowdb on a cluster of Apache Spark; `pip install 'flowdb[spark]'`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from flowdb.spark_store import SparkStore

__all__ = ["attach"]


def attach(
    spark: SparkSession,
    location: str | os.PathLike[str],
    *,
    storage: Mapping[str, object] | None = None,
    prefix: str = "",
) -> SparkStore:
    """Return the store at a location for a session to ask: a laptop's, or a lake.

    The session gets temporary views of it, of the newest commit: `flows`, `tgw_flows`, `sources`,
    `bad_lines`, `coverage`, `vpc_flow_logs`, and those of services, protocols and prices; and
    functions, `in_cidr` and others. A `prefix` comes before the name of each, where `flows` is a
    table of one's own. Of a later commit tells who attaches again.

    The session's time zone has to be UTC. `storage` has the options of the location's file
    system for flowdb, which reads what is there; Spark, which reads the records, has its own.
    """
    from flowdb.spark_store import attached

    return attached(spark, location, storage=storage, prefix=prefix)
