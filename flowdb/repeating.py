"""Asks the same again and again: a terminal shows the newest answer, elsewhere one follows the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

from flowdb.errors import FlowdbError, UsageError
from flowdb.terminal import asked, look, say, tell

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

    from flowdb.database import FlowDB
    from flowdb.look import Look

__all__ = ["repeat"]

_Ask = Callable[["FlowDB"], "duckdb.DuckDBPyRelation"]


def repeat(store: str, ask: _Ask, form: str, every: timedelta, *, spare: bool = False) -> None:
    """Ask until the person interrupts; each answer is of the newest commit.

    What fails is shown, and asked again; what cannot even be asked the first time ends it.
    """
    if form == "parquet":
        raise UsageError("a file of parquet has one result; --watch gives one after the other")
    if not every:
        raise UsageError("--watch is 0; expected a length of time such as 5s")
    shown, stop = look(), Event()

    def work(db: FlowDB) -> None:
        (_redraw if form == "table" and shown.is_terminal else _append)(
            db, ask, form, shown, every, stop, spare
        )

    asked(store, work, interrupted=stop.set)


def _append(
    db: FlowDB, ask: _Ask, form: str, shown: Look, every: timedelta, stop: Event, spare: bool
) -> None:
    from flowdb.output import write

    is_first = True
    while is_first or not stop.wait(every.total_seconds()):
        if form == "table" and not is_first:
            print()
        try:
            _, remark = write(ask(db), form, look=shown, spare=spare)
            for one in [*db.notes, *([remark] if remark else [])]:
                tell(f"note: {one}")
        except FlowdbError as error:
            if is_first or stop.is_set():
                raise
            say(f"error: {error}")
        sys.stdout.flush()
        is_first = False


def _redraw(
    db: FlowDB, ask: _Ask, _form: str, shown: Look, every: timedelta, stop: Event, spare: bool
) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from flowdb.look import console, look_of
    from flowdb.output import drawing

    board = console(sys.stdout, shown)

    def drawn() -> Group:
        """Return the answer of now below a line that says when that is."""
        # The window may be another size than it was.
        now = look_of(sys.stdout, "always" if shown.is_colored else "never", is_raw=shown.is_raw)
        board.width = now.width or board.width
        said = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, every {_length(every)}; Ctrl-C ends it"
        parts: list[RenderableType] = [Text(said, style="dim")]
        try:
            _, table = drawing(ask(db), now, spare=spare)
            parts += [table.table, *(Text(now.text(one), "dim") for one in (*db.notes, table.remark) if one)]
        except FlowdbError as error:
            if not rounds or stop.is_set():
                raise
            parts.append(Text(f"error: {now.text(str(error))}", style="red"))
        return Group(*parts)

    rounds = 0
    first = drawn()
    with Live(first, console=board, auto_refresh=False, vertical_overflow="ellipsis") as live:
        live.refresh()
        while not stop.wait(every.total_seconds()):
            rounds += 1
            live.update(drawn(), refresh=True)


def _length(every: timedelta) -> str:
    from flowdb.units import Unit, readable

    return readable(str(every.total_seconds()), Unit.SECONDS)
