"""Processes run and measured one after another: seconds, peak memory, what they printed."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

SKIPPED = 3


class BenchmarkError(Exception):
    """A step or a peer did not do its work, or gave another answer than the others."""


@dataclass(frozen=True)
class Run:
    """One measured run; `peak` is the resident bytes of the largest process, `output` what it printed.

    `cpu` is the seconds of processor time, which other processes disturb least.
    """

    seconds: float
    cpu: float
    peak: int
    status: int
    output: str


def run(command: list[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end.

    On Linux a child's peak is no less than that of the process that starts it, so the caller must be small.
    """
    begun = time.perf_counter()
    variables = {**os.environ, **(environment or {})}
    # What is installed is compiled once, not each time it is run.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as child:
        output = child.stdout.read() if child.stdout else ""
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak, child.returncode, output.strip())


def module(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run a module in a process of its own, which must succeed or say that it skips its work."""
    done = run([sys.executable, "-m", name, *arguments], environment)
    if done.status not in (0, SKIPPED):
        raise BenchmarkError(f"{name} {' '.join(arguments)} failed with status {done.status}: {done.output}")
    return done


def turns(names: Iterable[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Go through the names once a round, each round beginning with another."""
    every = list(names)
    for number in range(rounds):
        first = number % max(len(every), 1)
        for name in every[first:] + every[:first]:
            yield number, name


def spread(seconds: list[float], digits: int = 2) -> list[str]:
    """Write the median of times, and the least and the most of them."""
    low, high = min(seconds), max(seconds)
    return [f"{statistics.median(seconds):.{digits}f}", f"{low:.{digits}f}-{high:.{digits}f}"]
