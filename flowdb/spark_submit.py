"""The ingest of a cluster as a program: `spark-submit spark_submit.py --source ... --destination ...`.

It is one file, which can be copied to where a cluster takes programs from; flowdb itself has to be installed
on all machines of the cluster.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from flowdb.cli import main as run
from flowdb.cli import tell_of
from flowdb.errors import ExitCode
from flowdb.extras import require
from flowdb.lake import PARTITIONS
from flowdb.options import choice_options, storage_of, storage_options
from flowdb.terminal import json_option, quiet_option

__all__ = ["main", "submit"]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--source",
    "sources",
    multiple=True,
    required=True,
    metavar="SOURCE",
    help="A folder, a file, a pattern, or a URL of these, as for flowdb ingest. May be repeated.",
)
@click.option(
    "--destination",
    required=True,
    metavar="PLACE",
    help="The lake, a folder or a URL: one that is there, or where nothing is yet.",
)
@click.option(
    "--format",
    "form",
    metavar="FIELDS",
    help="Fields of records without a header: '${version} ${account-id} ...', default, tgw, or names.",
)
@click.option(
    "--partition-by",
    metavar="COLUMNS",
    help=f"How a new lake is partitioned: {','.join(PARTITIONS)}, or fewer, date first.  [default: date]",
)
@json_option
@quiet_option
@choice_options
@storage_options
def submit(
    sources: tuple[str, ...],
    destination: str,
    form: str | None,
    partition_by: str | None,
    as_json: bool,
    **values: Any,
) -> ExitCode:
    """Have the cluster bring flow logs into a lake, as one commit.

    Sources that the lake has already are skipped. What the options of S3 say is for the sources and the
    destination.
    """
    require("flowdb.spark", "spark", "pyspark", "deltalake")
    from pyspark.sql import SparkSession

    from flowdb.spark import ingest

    # Who runs a program can do nothing about what its libraries say of each other.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    storage = storage_of(values)
    columns = None if partition_by is None else [one.strip() for one in partition_by.split(",")]
    spark = SparkSession.builder.appName("flowdb ingest").getOrCreate()
    report = ingest(spark, sources, destination, format=form, storage=storage, partition_by=columns, **values)
    return tell_of(report, destination, as_json=as_json)


def main(args: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code, which is that of `flowdb ingest`."""
    return run(args, submit, "spark_submit.py")


if __name__ == "__main__":
    sys.exit(main())
