"""flowdb on Apache Spark: a cluster reads logs into a lake, and asks it, or a store that a laptop made.

>>> from pyspark.sql import SparkSession
>>> from flowdb import spark
>>> session = SparkSession.builder.getOrCreate()
>>> report = spark.ingest(session, "s3://logs/AWSLogs", "s3://lake/flows")
>>> talkers = spark.attach(session, "s3://lake/flows").top_talkers(by="pair")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flowdb.errors import UsageError
from flowdb.extras import require

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from flowdb.ingest import IngestReport
    from flowdb.spark_store import SparkStore

__all__ = ["attach", "ingest"]


def ingest(
    spark: SparkSession,
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    destination: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 -- AWS's own name for it
    since: object = None,
    until: object = None,
    accounts: str | Iterable[str] = (),
    regions: str | Iterable[str] = (),
    storage: Mapping[str, object] | None = None,
    destination_storage: Mapping[str, object] | None = None,
    partition_by: Iterable[str] | None = None,
) -> IngestReport:
    """Have a cluster bring the flow logs at a source, or several, into a lake, as one commit.

    Sources are found and read as `FlowDB.ingest` does, with the same `format`, `since`, `until`,
    `accounts`, `regions` and `storage`; every machine of the cluster must reach them, and the
    destination, under the same name. The lake is made if nothing is there yet, and continued if
    there is one. `partition_by` says by which columns a new one is partitioned: `date`, and after it
    `region`, `account_id` or both, as the records have them. `destination_storage` are the options
    for the destination, by default those of `storage`.

    All of it is in the lake at the end, or nothing, and no source twice, whatever tasks were done
    again. What a run that died has read already is not read again. Raises `StoreOvertaken` where
    another run committed meanwhile, and `ClusterError` where the cluster gave up.
    """
    require("flowdb.spark", "spark", "pyspark", "deltalake")
    from flowdb.keys import Choice
    from flowdb.layouts import LayoutUnknown, format_layout
    from flowdb.spark_ingest import Wanted
    from flowdb.spark_ingest import ingest as ingest_on

    places = [source] if isinstance(source, str | os.PathLike) else list(source)
    if not places:
        raise UsageError("name a file, a folder or a pattern to ingest")
    try:
        layout = None if format is None else format_layout(format)
    except LayoutUnknown as error:
        raise UsageError(str(error)) from error
    storage = dict(storage or {})
    wanted = Wanted(
        layout=layout,
        choice=Choice.of(since, until, accounts, regions),
        storage=storage,
        destination_storage=storage if destination_storage is None else dict(destination_storage),
        partition_by=None if partition_by is None else tuple(partition_by),
    )
    return ingest_on(spark, places, destination, wanted)


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
    require("flowdb.spark", "spark", "pyspark")
    from flowdb.spark_store import attached

    return attached(spark, location, storage=storage, prefix=prefix)
