"""The commands for other engines: analyses as their queries, and the tables that these ask."""

from __future__ import annotations

from typing import Any

import click

from flowdb.analyses import Analysis, find_analysis
from flowdb.completing import analysis_names
from flowdb.errors import UsageError
from flowdb.external_tables import DIALECTS, ddl
from flowdb.groups import without_groups
from flowdb.options import EVERY, Choice, parameter_option, params_of, utf8
from flowdb.terminal import groups_of

__all__ = ["COMMANDS", "define_tables", "render"]

_dialect_option = click.option(
    "--dialect", type=Choice(DIALECTS), default=DIALECTS[0], show_default=True, help="The engine."
)
_table_option = click.option(
    "--table",
    metavar="NAME",
    default="flows",
    show_default=True,
    help="The table of the records there, such as vpc.flows.",
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("analysis", metavar="ANALYSIS", shell_complete=analysis_names)
@click.argument("values", nargs=-1, type=click.UNPROCESSED, metavar="[VALUES]...")
@_dialect_option
@_table_option
@click.option(
    "--param",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of a parameter of the analysis. May be repeated.",
)
def render(analysis: str, values: tuple[str, ...], dialect: str, table: str, given: tuple[str, ...]) -> None:
    """Print an ANALYSIS as a query for another engine.

    The tables that it asks are those that `flowdb ddl` defines. Parameters are given with --param,
    or with the options and arguments that the analysis has as a command:
    flowdb render top-talkers --by pair. No store is needed.
    """
    from flowdb.rendering import render as rendered

    found = find_analysis(analysis)
    own, named = _of_options(found, [utf8(word, "an argument") for word in values]), params_of(found, given)
    for name in own.keys() & named.keys():
        raise UsageError(f"{found.name}: {name} is given twice")
    values_given = without_groups(found, own | named, groups_of(None))
    print(rendered(found.name, values_given, dialect=dialect, table=utf8(table, "the table's name")))


def _of_options(analysis: Analysis, words: list[str]) -> dict[str, object]:
    """Return the values that are given as they are to the command of the analysis."""
    options = [parameter_option(one) for one in analysis.parameters]
    for option in options:
        option.required = False
    command = click.Command(analysis.name, params=options, add_help_option=False)
    with command.make_context(f"flowdb render {analysis.name}", words) as context:
        return _known(context.params)


def _known(values: dict[str, Any]) -> dict[str, object]:
    return {name: None if value is EVERY else value for name, value in values.items() if value is not None}


@click.command(name="ddl")
@click.option(
    "--location",
    required=True,
    metavar="URL",
    help="Where the store was uploaded to, such as s3://bucket/flows, or the place of a lake.",
)
@click.option("--lake", is_flag=True, help="The location is a lake, which flowdb.spark.ingest wrote.")
@_dialect_option
@_table_option
def define_tables(location: str, lake: bool, dialect: str, table: str) -> None:
    """Print the statements that make tables of an uploaded store, or of a lake, in another engine.

    The records are expected in data/ below the URL, as they are in a store, and the ledger of the
    sources in sources/. A lake has Delta tables, whose columns and files the engine finds in their logs.
    """
    place, name = utf8(location, "the location"), utf8(table, "the table's name")
    print(ddl(dialect, place, name, of_lake=lake), end="")


COMMANDS = (render, define_tables)
