"""The command that asks alarms, for a person and for cron."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowdb.completing import analysis_names, paths
from flowdb.errors import ExitCode, FlowdbError, UsageError, WebhookError, plural
from flowdb.options import Moment, params_of, params_option, utf8
from flowdb.terminal import asked, say, store_option, waited

if TYPE_CHECKING:
    from flowdb.alerts import Alert, Firing
    from flowdb.database import FlowDB

__all__ = ["alert"]


@click.command()
@click.argument("analysis", required=False, shell_complete=analysis_names)
@params_option
@click.option(
    "--when", metavar="CONDITION", help="What makes a row fire: 'attempts > 100', in SQL over its columns."
)
@click.option(
    "--window", metavar="AGE", help="How much of the newest time to look at: 90s, 1h.  [default: 5m]"
)
@click.option(
    "--key",
    metavar="COLUMN[,COLUMN]",
    help="The columns that tell one trouble from another.  [default: its texts, ports and protocol]",
)
@click.option(
    "--until",
    type=Moment(),
    metavar="TIME",
    help="The end of the window.  [default: the whole minute after the start of the newest record]",
)
@click.option("--file", metavar="FILE", shell_complete=paths, help="Ask the alarms of this file in TOML.")
@click.option(
    "--webhook",
    metavar="URL",
    envvar="FLOWDB_WEBHOOK",
    show_envvar=True,
    help="Post what is told to this URL as well, as JSON.",
)
@click.option(
    "--state",
    metavar="FILE",
    shell_complete=paths,
    help="Remember in this file what was told: a trouble is told once, and anew when it comes back.",
)
@store_option
def alert(
    analysis: str | None,
    store: str,
    file: str | None,
    until: datetime | None,
    webhook: str | None,
    state: str | None,
    **values: Any,
) -> ExitCode:
    """Ask an ANALYSIS of the newest window, and exit with 4 if a row meets a condition.

    Each such row is one JSON object on a line of standard output. All rows of the analysis are looked
    at, unless --param top=N. The condition is one expression, and the store is read as in a sandbox.

    A file of several has tables [[alert]] with name, analysis, when, and if need be window, params, key.
    """
    from flowdb.webhook import check_url

    alerts = _alerts(analysis, file, **values)
    if webhook is not None:
        check_url(webhook)
    return _tell(store, alerts, until, webhook, state, file)


def _alerts(
    analysis: str | None,
    file: str | None,
    *,
    params: Sequence[str],
    when: str | None,
    window: str | None,
    key: str | None,
) -> list[Alert]:
    from flowdb import alerts
    from flowdb.analyses import find_analysis

    if file is not None:
        if analysis is not None or params or when is not None or window is not None or key is not None:
            raise click.UsageError("--file has its own analyses, conditions, windows, params and keys.")
        return alerts.read_alerts(Path(file))
    if analysis is None or when is None:
        raise click.UsageError("name an analysis and say --when it fires, or give --file.")
    found = alerts.alert(
        analysis,
        utf8(when, "the condition"),
        window=alerts.WINDOW if window is None else window,
        params=params_of(find_analysis(analysis), params),
        key=[] if key is None else [one.strip() for one in key.split(",")],
    )
    return [found]


def _tell(
    store: str,
    alerts: Sequence[Alert],
    until: datetime | None,
    webhook: str | None,
    state: str | None,
    file: str | None,
) -> ExitCode:
    """Ask the alarms, tell what is new of them, and write down that it was told."""
    from flowdb.alert_state import held

    with nullcontext() if state is None else held(Path(state)) as told:
        found, code = asked(store, lambda db: _fired(db, alerts, until, file), sandbox=True)
        firings = [one for _, several in found for one in several]
        if told is not None:
            firings = told.new(firings)
            for alert, several in found:
                told.forget(alert, several)
        is_told = _print(firings)
        if firings and webhook is not None:
            try:
                waited(lambda: _post(webhook, firings))
            except (WebhookError, KeyboardInterrupt) as error:
                if told is not None and told.is_changed:
                    told.save()
                if isinstance(error, KeyboardInterrupt):
                    say("note: the webhook may have taken what it was sent, and is told again")
                raise
            is_told = True
        if told is not None:
            for alert, several in found if is_told else ():
                told.note(alert, several)
            told.save()
    return ExitCode.ALERT if firings else code


def _fired(
    db: FlowDB, alerts: Sequence[Alert], until: datetime | None, file: str | None
) -> tuple[list[tuple[Alert, list[Firing]]], ExitCode]:
    """Return what each alarm that could be asked fires for, and whether all could."""
    from flowdb.alerts import checked, fire, newest

    ready = []
    for one in alerts:
        try:
            ready.append(checked(db.sql, one))
        except UsageError as error:
            raise UsageError(f"{file}: alert {one.name!r}: {error}" if file else str(error)) from error
    end = newest(db.sql) if until is None else until
    found: list[tuple[Alert, list[Firing]]] = []
    for one in ready:
        try:
            found.append((one, [] if end is None else fire(db.sql, one, end)))
        except FlowdbError as error:
            if len(ready) == 1:
                raise
            say(f"error: alert {one.name!r}: {error}")
    return found, ExitCode.OK if len(found) == len(ready) else ExitCode.FAILED


def _print(firings: Sequence[Firing]) -> bool:
    """Write firings to standard output, and tell whether its reader took all of them."""
    try:
        for firing in firings:
            print(json.dumps(firing.facts()))
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in its buffer would be written at the end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _post(webhook: str, firings: Sequence[Firing]) -> None:
    """Post firings in one request, with a sentence for each alarm, which chats show."""
    from flowdb.webhook import post

    counts: dict[str, int] = {}
    for one in firings:
        counts[one.alert.name] = counts.get(one.alert.name, 0) + 1
    text = "\n".join(
        f"{name}: {plural(count, 'row')} until {firings[0].until}" for name, count in counts.items()
    )
    post(webhook, {"text": text, "firings": [one.facts() for one in firings]})
