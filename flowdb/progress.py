"""Shows how far a long piece of work is: on standard error, on a terminal, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowdb.look import console, look_of

if TYPE_CHECKING:
    from flowdb.meter import Meter

__all__ = ["progress"]

_MOST_OF_BAR = 40
_BESIDE = 60  # characters that stand beside the bar
_NARROW = _BESIDE + 10  # where there is no room for one
_SETTLED = 0.5  # seconds before which a rate tells nothing


@contextmanager
def progress(
    what: str, *, color: str = "auto", is_quiet: bool = False
) -> Iterator[Callable[[Meter], None] | None]:
    """Give what shows how far a piece of work is, with its rate and the time left; None where nobody looks.

    What is given is called with a meter, by any thread, as often as there is news; another meter
    begins anew. All that was shown is gone in the end, also where that is an interrupt.
    """
    look = look_of(sys.stderr, color)
    if is_quiet or not look.is_terminal or look.width is None:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    beside = (TextColumn("{task.fields[done]}"), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    is_narrow = look.width < _NARROW
    bar = BarColumn(bar_width=min(look.width - _BESIDE, _MOST_OF_BAR))
    columns = beside if is_narrow else (TextColumn("{task.description}"), bar, *beside)
    with Progress(*columns, console=console(sys.stderr, look), transient=True) as shown:
        task = shown.add_task(what, total=None, done="", rate="")
        latest: list[Meter] = []

        def watch(meter: Meter) -> None:
            if latest != [meter]:
                latest[:] = [meter]
                shown.reset(task, total=None)
            elapsed = shown.tasks[0].elapsed or 0.0
            total, completed, done, rate = _told(meter, max(elapsed, _SETTLED))
            if elapsed < _SETTLED:
                rate = ""
            if is_narrow and total:
                done = f"{completed * 100 // total} %"
            shown.update(task, total=total, completed=completed, done=done, rate=rate)

        yield watch


def _told(meter: Meter, elapsed: float) -> tuple[int | None, int, str, str]:
    """Return of a meter how much there is to do, how much is done, and both as words with the rate."""
    from flowdb.units import Unit, readable

    def size(count: int) -> str:
        return readable(str(count), Unit.BYTES)

    if meter.total_steps:
        rate = f"{meter.steps / elapsed:,.1f}/s"
        return meter.total_steps, meter.steps, f"{meter.steps:,} of {meter.total_steps:,}", rate
    if meter.total_bytes:
        done = f"{size(meter.read_bytes)} of {size(meter.total_bytes)}"
        return meter.total_bytes, meter.read_bytes, done, f"{meter.records / elapsed:,.0f} records/s"
    if meter.listed:
        return None, 0, f"{meter.listed:,} objects found", f"{meter.listed / elapsed:,.0f}/s"
    return None, 0, "", ""
