"""The questions and the look-ups of a month again, over ten times as many records."""

from dataclasses import replace

from benchmarks.lookups import lookups
from benchmarks.queries import queries
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

TIMES = 10
SUFFIX = "-large"


def large(settings: Settings) -> Section:
    """Measure them in one round, of three runs of each."""
    more = replace(settings, rows=settings.rows * TIMES, rounds=1)
    asked, found = queries(more), lookups(more)
    figures = {f"{name}{SUFFIX}": figure for name, figure in (asked.figures | found.figures).items()}
    return Section("Ten times as many", f"{asked.text}\n\n{found.text}", figures)
