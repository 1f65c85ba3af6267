"""The ingest on a Spark cluster of one and of two executors, beside flowdb alone with as many threads."""

import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.answers import Totals
from benchmarks.ingest import OBJECTS
from benchmarks.machine import table
from benchmarks.peers import sources
from benchmarks.runs import BenchmarkError, run, spread
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

NAMES = {
    "alone-one": "`flowdb ingest --workers 1`",
    "alone-two": "`flowdb ingest --workers 2`",
    "one": "`flowdb.spark.ingest`, 1 executor of 1 core",
    "two": "`flowdb.spark.ingest`, 2 executors of 1 core",
}


def spark(settings: Settings) -> Section:
    """Measure text a second on real executors, and what a run takes that has next to nothing to read."""
    from tests import cluster

    directory = settings.generated("default")
    totals = Totals.load(directory)
    objects = directory / OBJECTS
    single = _single(objects, settings.work / "single")
    for path in sources(objects):
        path.read_bytes()
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    starts: list[float] = []
    fixed: list[float] = []
    with cluster.started(settings.work / "cluster") as started:
        for number in range(settings.rounds):
            for workers, name in ((1, "alone-one"), (2, "alone-two")):
                seconds[name].append(_alone(objects, settings.work / name, workers))
            for executors, name in ((1, "one"), (2, "two")):
                begun = time.perf_counter()
                options = {"spark__cores__max": str(executors)}
                with cluster.session(started, **options) as session:
                    starts.append(time.perf_counter() - begun)
                    fixed.append(_lake(session, single, settings.work / "small"))
                    seconds[name].append(_lake(session, objects, settings.work / name, totals))
            print(
                f"round {number + 1}: { ({name: f'{own[-1]:.2f}' for name, own in seconds.items()}) }",
                flush=True,
            )
    return _section(totals, len(sources(objects)), seconds, starts, fixed)


def _single(objects: Path, folder: Path) -> Path:
    """Return a folder with one object of those."""
    first = sources(objects)[0]
    place = folder / first.relative_to(objects.parent)
    place.parent.mkdir(parents=True)
    shutil.copy(first, place)
    return folder


def _alone(objects: Path, store: Path, workers: int) -> float:
    shutil.rmtree(store, ignore_errors=True)
    os.sync()
    command = ["-m", "flowdb", "ingest", str(objects), "--store", str(store), "--no-rollups"]
    done = run([sys.executable, *command, "--workers", str(workers), "--json"])
    if done.status:
        raise BenchmarkError(f"flowdb ingest failed with status {done.status}")
    shutil.rmtree(store)
    return done.seconds


def _lake(session: Any, objects: Path, lake: Path, totals: Totals | None = None) -> float:
    """Return the seconds of an ingest into a new lake, whose records are counted afterwards."""
    import flowdb
    import flowdb.spark

    shutil.rmtree(lake, ignore_errors=True)
    os.sync()
    begun = time.perf_counter()
    flowdb.spark.ingest(session, str(objects), str(lake))
    seconds = time.perf_counter() - begun
    if totals is not None:
        with flowdb.open(lake) as db:
            found = db.sql("SELECT count(*), sum(bytes)::BIGINT FROM flows").fetchall()[0]
        if found != (totals.answer.records, totals.answer.bytes):
            raise BenchmarkError(f"the lake has {found}, the generator wrote {totals.answer}")
    shutil.rmtree(lake)
    return seconds


def _section(
    totals: Totals, files: int, seconds: dict[str, list[float]], starts: list[float], fixed: list[float]
) -> Section:
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    rows = [["way", "median s", "min-max s", "MB/s of text", "records/s", "x flowdb alone"]]
    for name, words in NAMES.items():
        alone = medians[f"alone-{name.removeprefix('alone-')}"]
        rows.append(
            [
                words,
                *spread(seconds[name]),
                f"{totals.raw_bytes / 1e6 / medians[name]:.0f}",
                f"{totals.records / medians[name]:,.0f}",
                f"{medians[name] / alone:.2f}",
            ]
        )
    text = (
        f"{totals.records:,} records of the default format in {files:,} gzip objects, {len(starts) // 2} "
        "rounds, on a standalone cluster whose master, workers, executors and driver are processes of this "
        f"machine. A session took {statistics.median(starts):.1f} s to start, which does not count; an "
        f"ingest of one object {statistics.median(fixed):.1f} s, the first of a session, with which "
        "the executors start Python. flowdb alone makes no hourly sums "
        "here either.\n\n"
        f"{table(rows)}"
    )
    figures = {f"spark-{name}": totals.raw_bytes / 1e6 / median for name, median in medians.items()}
    figures |= {"spark-start": statistics.median(starts), "spark-fixed": statistics.median(fixed)}
    return Section("Spark", text, figures)
