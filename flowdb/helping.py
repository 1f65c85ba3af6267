"""What `flowdb --help` shows: commands in groups, analyses by topics, and how to begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flowdb.database import FlowDB

__all__ = ["FIRST_STEPS", "GROUPS", "hint", "next_steps", "why_none", "write_commands", "write_first_steps"]

GROUPS = {
    "Bring in": ("ingest",),
    "Look and ask": ("report", "analyses", "sql", "shell", "plot", "alert"),
    "What is in the store": ("status", "sources", "files", "history"),
    "Keep the store": ("compact", "prune", "forget", "backup", "verify"),
    "Other engines": ("athena-table", "render", "ddl", "cost"),
    "Settings": ("config", "completion"),
}
"""Every command that is not an analysis, in the order in which it is shown."""
FIRST_STEPS = (
    ("flowdb ingest FOLDER", "Logs of your own, or docs/samples of the repository, into ./flows."),
    ("flowdb status", "What came in."),
    ("flowdb top-talkers", "One of the analyses above; --help after it tells its options."),
    ("flowdb report", "A page of all that matters: open report.html in a browser."),
)
"""What somebody does who has never used it, one after the other."""
_LONGEST = 200


def write_commands(commands: Mapping[str, click.Command], formatter: click.HelpFormatter) -> None:
    """Write the commands that are not analyses, by their groups."""
    for title, names in GROUPS.items():
        with formatter.section(title):
            formatter.write_dl([(name, commands[name].get_short_help_str(_LONGEST)) for name in names])


def write_first_steps(formatter: click.HelpFormatter) -> None:
    """Write how to begin."""
    with formatter.section("First steps"):
        formatter.write_dl(FIRST_STEPS)


def next_steps(store: str | None) -> str:
    """Return what to do after the first ingest into a store, which is named if it has to be given."""
    from shlex import quote

    given = "" if store is None else f" --store {quote(store)}"
    return f"next: flowdb report{given}, flowdb top-talkers{given}; flowdb --help has all questions"


def hint(error: click.ClickException) -> str:
    """Return what to do about a mistake in the command line, where that is known, behind a space."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return ""
    if isinstance(error, click.NoSuchOption) and context.parent is None:
        return " Options of a command stand after it: flowdb top-talkers --store DIR."
    if isinstance(error, click.MissingParameter):
        return f" {context.command_path} --help tells more."
    return ""


def why_none(db: FlowDB, *, has_window: bool) -> str | None:
    """Return why an answer has no rows, where it is the store or the window that has no records."""
    ((records, oldest, newest),) = (
        db.status().project("records + tgw_records, oldest_record, newest_record").fetchall()
    )
    if not records:
        return "the store has no records; flowdb ingest brings them in"
    return f"the records of the store are from {oldest} to {newest}" if has_window else None
