"""Questions to every engine in turn, over a month of the same records."""

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.answers import same
from benchmarks.engines import ENGINES, STORES, Asked, Rows, is_installed
from benchmarks.ingest import OBJECTS
from benchmarks.machine import table
from benchmarks.runs import BenchmarkError, module, spread, turns
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

DAYS = 30
DAY_FILES = 288
ASKED = {
    "top_talkers": "top talkers",
    "rejected_sources": "rejected sources",
    "service_flows": "traffic by service, without ephemeral ports",
}


def prepared(settings: Settings) -> tuple[Path, Path]:
    """Return a store of flowdb and DuckDB's own Parquet of the same month, made if they are not there."""
    files = DAYS * DAY_FILES
    logs = settings.generated(files=files) / OBJECTS
    store, naive = (settings.directory(f"month-{settings.rows}-{name}") for name in ("store", "naive"))
    for peer, out in (("flowdb", store), ("duckdb", naive)):
        done = out / ".whole"
        if not done.exists():
            shutil.rmtree(out, ignore_errors=True)
            module("benchmarks.peers", peer, str(logs), str(out))
            done.touch()
    return store, naive


def queries(settings: Settings) -> Section:
    """Measure the questions that people ask most, with the defaults of flowdb's methods: all of the month."""
    store, naive = prepared(settings)
    engines = started(store, naive)
    rows = [["question", "engine", "median s", "min-max s", "x duckdb"]]
    figures: dict[str, float] = {}
    try:
        for question, title in ASKED.items():
            seconds = raced(engines, settings.rounds * 3, lambda engine: engine.ask(question))  # noqa: B023
            medians = {name: statistics.median(times) for name, times in seconds.items()}
            for name, times in seconds.items():
                rows.append([title, name, *spread(times, 3), f"{medians[name] / medians['duckdb']:.2f}"])
            figures[question] = medians["flowdb"] / medians["duckdb"]
            figures[f"{question}-seconds"] = medians["flowdb"]
    finally:
        for engine in engines.values():
            engine.close()
    text = (
        f"{settings.rows:,} records of {DAYS} days, each question {settings.rounds * 3} times, the engines "
        "in turn, the files in the page cache, after a run that does not count. flowdb answers by its "
        "methods from what its ingest wrote, the others queries written by hand from what DuckDB's `COPY` "
        f"wrote, and all gave the same rows. Seconds have the planning.\n\n{table(rows)}"
    )
    return Section("Questions", text, figures)


def started(store: Path, naive: Path) -> dict[str, Asked]:
    """Start every engine that is installed, and say of the others that they are skipped."""
    engines = {}
    for name in ENGINES:
        if is_installed(name):
            engines[name] = Asked(name, store if name in STORES else naive)
        else:
            print(f"{name}: skipped, its package is not installed", flush=True)
    return engines


def raced(
    engines: dict[str, Asked], rounds: int, ask: Callable[[Asked], tuple[float, Rows]]
) -> dict[str, list[float]]:
    """Ask every engine once a round, and hold its answer against DuckDB's."""
    _, expected = ask(engines["duckdb"])
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for name, engine in engines.items():
        _, answer = ask(engine)
        if not same(expected, answer):
            raise BenchmarkError(f"{name} answers\n  {answer[:3]}\nwhere DuckDB answers\n  {expected[:3]}")
    for _, name in turns(engines, rounds):
        took, _ = ask(engines[name])
        seconds[name].append(took)
    return seconds
