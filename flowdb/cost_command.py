"""The command that tells what a question would cost at AWS."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from flowdb.analyses import analyses, named_by
from flowdb.completing import analysis_names, paths
from flowdb.dialects import ASKED
from flowdb.options import Choice, params_of, params_option, utf8
from flowdb.terminal import answer, output_option, say, store_option

if TYPE_CHECKING:
    import duckdb

    from flowdb.database import FlowDB

__all__ = ["cost"]


@click.command()
@click.argument("question", required=False, shell_complete=analysis_names)
@click.option(
    "--all", "every", is_flag=True, help="Every analysis, with what --param gives those that have it."
)
@params_option
@click.option("--dialect", type=Choice(ASKED), default="duckdb", show_default=True, help="That of a query.")
@click.option("--region", metavar="REGION", default="us-east-1", show_default=True, help="Whose prices.")
@click.option(
    "--runs-per-day",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    default=1.0,
    show_default=True,
    help="How often it is asked, for a month of 30 days and the days until the ingest pays.",
)
@click.option(
    "--prices",
    metavar="FILE",
    shell_complete=paths,
    help="A CSV with item, region and amount, which take the place of those in FROM athena_prices.",
)
@partial(store_option, without=("region",))
@output_option
def cost(
    question: str | None,
    every: bool,
    params: Sequence[str],
    dialect: str,
    region: str,
    runs_per_day: float,
    prices: str | None,
    store: str,
    output: str,
) -> None:
    """Tell what a QUESTION, a query or an analysis, would cost at AWS.

    A row for each way to ask: Athena over the logs as gzip text, partitioned by day, over AWS's own Parquet
    (estimated), and over this store, uploaded; CloudWatch Logs Insights; and here, where it is run once.
    """
    if (question is None) != every:
        raise click.UsageError("name a query or an analysis, or say --all.")
    if question is not None:
        question = utf8(question, "the query")
    region = utf8(region, "the region")
    values: dict[str, object] = {}
    if every:
        for pair in params:
            name = pair.partition("=")[0].replace("-", "_")
            having = [one for one in analyses().values() if name in {each.name for each in one.parameters}]
            if not having:
                raise click.UsageError(f"no analysis has a parameter {name!r}.")
            values |= params_of(having[0], [pair])
    elif question is not None and (analysis := named_by(question)):
        values = params_of(analysis, params)
    elif params:
        raise click.UsageError("--param is for an analysis.")

    def ask(db: FlowDB) -> duckdb.DuckDBPyRelation:
        result = db.cost(
            question,
            values or None,
            dialect=dialect,
            region=region,
            runs_per_day=runs_per_day,
            prices=prices,
        )
        for note in db.notes:
            say(f"note: {note}")
        return result

    answer(store, ask, output)
