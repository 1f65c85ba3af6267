"""A command for each analysis, that answers it, and one that draws it: options come from its parameters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from flowdb import quantities
from flowdb.analyses import TRAPS, Analysis, analyses
from flowdb.completing import columns as columns_of
from flowdb.groups import without_groups
from flowdb.helping import why_none
from flowdb.nearest import meant
from flowdb.options import EVERY, LISTED, Moment, Quantity, bounds_of, parameter_option
from flowdb.terminal import (
    PEOPLES,
    answer,
    asked,
    color_option,
    groups_of,
    look,
    names_option,
    output_option,
    say,
    store_option,
    tell,
)

if TYPE_CHECKING:
    import duckdb

    from flowdb.database import FlowDB

__all__ = ["Analyses", "analysis_command", "hyphened", "plot"]


class Analyses(click.Group):
    """Commands of which there is one for each analysis, beside those of its own."""

    make: Callable[[Analysis], click.Command]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named, or say which may have been meant."""
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}{meant(name, self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of commands."""
        return [*super().list_commands(ctx), *map(hyphened, analyses())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name, that of an analysis with hyphens or underscores."""
        analysis = analyses().get(cmd_name.replace("-", "_"))
        return type(self).make(analysis) if analysis else super().get_command(ctx, cmd_name)

    def format_topics(self, formatter: click.HelpFormatter) -> None:
        """Write the analyses, by topics."""
        topics: dict[str, list[tuple[str, str]]] = {}
        for one in analyses().values():
            topics.setdefault(one.topic, []).append((hyphened(one.name), one.summary))
        for topic, found in topics.items():
            with formatter.section(f"Analyses: {topic}"):
                formatter.write_dl(found)


def analysis_command(analysis: Analysis) -> click.Command:
    """Return the command of an analysis, with an option for each of its parameters."""

    @click.option(
        "--watch",
        "every",
        type=Quantity(quantities.age),
        metavar="AGE",
        help="Ask again and again, every 5s or 1m, of the newest commit, until Ctrl-C.",
    )
    @store_option
    @output_option
    @names_option
    def command(
        store: str,
        output: str,
        show_sql: bool,
        every: timedelta | None,
        show_names: bool | None,
        **values: Any,
    ) -> None:
        given = _given(values)
        if show_sql:
            _say_sql(analysis, given, store)
        spare = show_names is None and output in PEOPLES

        def ask(db: FlowDB) -> duckdb.DuckDBPyRelation:
            names = db.has_names if spare else bool(show_names)
            answered: duckdb.DuckDBPyRelation = getattr(db, analysis.name)(**given, names=names)
            return answered

        if every is None:
            has_window = not given.keys().isdisjoint(("since", "until"))
            why = partial(why_none, has_window=has_window)
            answer(store, ask, output, spare=spare, why_none=why)
            return
        from flowdb.repeating import repeat

        repeat(store, ask, output, every, spare=spare)

    return _command(command, analysis, _help(analysis))


def _plot_command(analysis: Analysis) -> click.Command:
    """Return the command that draws an analysis."""

    @click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="COLUMN",
        shell_complete=columns_of,
        help="What to draw: a column of numbers.  [default: what it ranks by, or all of one kind]",
    )
    @click.option(
        "--height",
        type=click.IntRange(min=5, max=200),
        metavar="N",
        default=18,
        show_default=True,
        help="Lines that a plot over time has.",
    )
    @store_option
    @color_option
    def command(store: str, columns: tuple[str, ...], height: int, show_sql: bool, **values: Any) -> None:
        given = _given(values)
        if show_sql:
            _say_sql(analysis, given, store)
        metric = next((one.default for one in analysis.parameters if one.name == "metric"), None)
        shown = look()

        def work(db: Any) -> list[str]:
            from flowdb.plotting import plotted

            result = getattr(db, analysis.name)(**given)
            ranked = given.get("metric", metric)
            picture, remarks = plotted(
                analysis.name, result, shown, columns=columns, metric=ranked, height=height
            )
            print(picture, end="")
            return [*db.notes, *remarks]

        for remark in asked(store, work):
            tell(f"note: {remark}")

    summary = f"{analysis.summary} Drawn over time, or as bars, as wide as the terminal."
    return _command(command, analysis, f"{summary}\n\nColumns: {analysis.columns}.")


class _Plots(Analyses):
    make = staticmethod(_plot_command)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_topics(formatter)


@click.group(cls=_Plots, name="plot", subcommand_metavar="ANALYSIS [OPTIONS]...")
def plot() -> None:
    """Draw an ANALYSIS in the terminal: over time, or as bars; its options are its own."""


def hyphened(name: str) -> str:
    """Return the name of an analysis as that of its command."""
    return name.replace("_", "-")


def _command(function: Callable[..., None], analysis: Analysis, said: str) -> click.Command:
    """Return a command with the options of an analysis before those of the function."""
    names = [one.name for one in analysis.parameters]
    options: list[click.Parameter] = [parameter_option(one) for one in analysis.parameters]
    if "since" in names and "until" in names:
        options.append(click.Option(["--day"], type=Moment(), metavar="DATE", help="Only this UTC day."))
    options.append(click.Option(["--show-sql"], is_flag=True, help="Say on standard error which SQL is run."))
    made = click.command(
        name=hyphened(analysis.name), help=said, short_help=analysis.summary, cls=click.Command
    )(function)
    # An analysis has a region of its own, that of its prices.
    made.params = options + [one for one in made.params if one.name not in names]
    return made


def _say_sql(analysis: Analysis, given: dict[str, object], store: str) -> None:
    """Say which SQL is run, with ranges in place of groups."""
    written = analysis.call(without_groups(analysis, given, groups_of(store)))
    say(f"{analysis.statement};\n\n{written}", bare=True)


def _given(values: dict[str, Any]) -> dict[str, object]:
    """Return the values of parameters that were given, of which a day is two."""
    day: datetime | None = values.pop("day", None)
    given = {name: None if value is EVERY else value for name, value in values.items() if value is not None}
    if day is not None:
        given |= bounds_of(day, given.get("since"), given.get("until"))
    return given


def _help(analysis: Analysis) -> str:
    paragraphs = [analysis.summary]
    paragraphs += [
        f"{one.name.upper()} is {one.meaning}{LISTED if one.type.endswith('[]') else ''}."
        for one in analysis.parameters
        if one.is_required
    ]
    paragraphs.append(f"Columns: {analysis.columns}.")
    if analysis.needs:
        paragraphs.append(f"Fields that logs must have: {', '.join(analysis.needs)}.")
    if analysis.counts:
        paragraphs.append(f"What is counted: {analysis.counts}.")
    paragraphs += [f"{TRAPS[trap]}: {how}." for trap, how in analysis.traps.items()]
    return "\n\n".join(paragraphs)
