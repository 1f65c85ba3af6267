"""The command that writes a page to look at."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowdb.analyses import find_analysis
from flowdb.completing import analysis_names, paths
from flowdb.errors import ExitCode, plural
from flowdb.helping import why_none
from flowdb.options import Moment, bounds_of, params_of, params_option, utf8
from flowdb.terminal import asked, color_option, progress, quiet_option, say, store_option, tell

if TYPE_CHECKING:
    from flowdb.database import FlowDB
    from flowdb.reporting import ReportMade

__all__ = ["report"]

_STDOUT = "-"


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    shell_complete=paths,
    help="The file to write; one that is there is replaced. - is standard output.",
)
@click.option("--title", metavar="TEXT", help="The title of the page.  [default: the name of the store]")
@click.option("--since", type=Moment(), metavar="TIME", help="First moment, included.")
@click.option("--until", type=Moment(), metavar="TIME", help="Last moment, excluded.")
@click.option("--day", type=Moment(), metavar="DATE", help="Only this UTC day.")
@click.option("--interface-id", metavar="ID", help="Only what this interface saw.")
@click.option(
    "--analysis", metavar="NAME", shell_complete=analysis_names, help="A page of this analysis alone."
)
@params_option
@click.option(
    "--rows",
    type=click.IntRange(1, 5000),
    default=500,
    show_default=True,
    help="How many rows a table keeps; it says how many more there are.",
)
@click.option("--sandbox", is_flag=True, help="Read the store and nothing else.")
@store_option
@color_option
@quiet_option
def report(
    output: str,
    title: str | None,
    since: datetime | None,
    until: datetime | None,
    day: datetime | None,
    interface_id: str | None,
    analysis: str | None,
    params: Sequence[str],
    rows: int,
    sandbox: bool,
    store: str,
) -> ExitCode:
    """Write a page about the store, one HTML file with charts and tables that opens from disk.

    What is in it: the period in numbers, findings, traffic over time, top talkers, what was refused,
    ephemeral ports, scans and beacons, what crosses zones and NAT gateways, and the quality of the logs.
    Under each table is its SQL. Nothing is fetched from anywhere to show it.
    """
    bounds = {"since": since, "until": until} if day is None else bounds_of(day, since, until)
    if params and analysis is None:
        raise click.UsageError("--param is for --analysis.")
    values = params_of(find_analysis(analysis), params) if analysis is not None else None

    with progress("report") as watch, _place(output) as place:

        def work(db: FlowDB) -> tuple[ReportMade, str | None]:
            made = db.report(
                place,
                title=None if title is None else utf8(title, "the title"),
                interface_id=None if interface_id is None else utf8(interface_id, "the interface"),
                analysis=analysis,
                params=values,
                rows=rows,
                **bounds,
                watch=watch,
            )
            return made, None if made.records else why_none(db, has_window=True)

        made, why = asked(store, work, sandbox=sandbox)
    for name, field in made.lacking.items():
        tell(f"note: {name} is left out: no log has {field}")
    for name, why in made.failures.items():
        say(f"error: {name}: {why}")
    if why is not None:
        tell(f"note: nothing is in it: {why}")
    where = "standard output" if output == _STDOUT else output
    tell(
        f"{where}: {plural(made.records, 'record')} in {plural(made.sections, 'section')},"
        f" {made.bytes / 1e6:.1f} MB, in {made.seconds:.1f} s"
    )
    return ExitCode.FAILED if made.failures else ExitCode.OK


@contextmanager
def _place(output: str) -> Iterator[str]:
    """Give where to write the page; one for standard output goes there when it is whole."""
    if output != _STDOUT:
        yield output
        return
    with tempfile.TemporaryDirectory(prefix="flowdb-") as folder:
        path = Path(folder, "report.html")
        yield str(path)
        sys.stdout.buffer.write(path.read_bytes())
