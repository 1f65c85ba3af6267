"""What more work costs: more records, more sources, more files."""

import json
import shutil
import statistics
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ingest import OBJECTS
from benchmarks.machine import table
from benchmarks.peers import COLUMNS
from benchmarks.runs import BenchmarkError, Run, module, run, spread
from benchmarks.scoreboard import Section
from benchmarks.settings import PER_SLOT, Settings

FACTORS = (1, 4, 16, 64)
ENDS = "eni-0a 10.0.0.1 10.0.0.2 40000 443 6"
ALONE = """
import sys, flowdb
flowdb.open(sys.argv[1]).sql("SELECT 1").fetchall()
"""
OPENING = """
import json, sys, time, flowdb
other, store, day = sys.argv[1:]
with flowdb.open(other) as db:
    db.sql("SELECT 1").fetchall()
begun = time.perf_counter()
db = flowdb.open(store)
db.sql("SELECT 1").fetchall()
opened = time.perf_counter()
db.sql(f"SELECT count(*), sum(bytes) FROM flows WHERE date = DATE '{day}'").fetchall()
print(json.dumps([opened - begun, time.perf_counter() - opened]))
"""


def growth(settings: Settings) -> Section:
    """Measure the ingest of 1, 4, 16 and 64 times as many records, by the time that it says it took."""
    taken: dict[int, list[float]] = {factor: [] for factor in FACTORS}
    peaks: dict[int, list[int]] = {factor: [] for factor in FACTORS}
    store = settings.work / "growth"
    for _ in range(settings.rounds):
        for factor in FACTORS:
            rows = settings.growth_rows * factor
            logs = settings.generated(rows=rows, files=max(settings.growth_rows // PER_SLOT, 1) * factor)
            shutil.rmtree(store, ignore_errors=True)
            done = module("benchmarks.peers", "flowdb", str(logs / OBJECTS), str(store))
            taken[factor].append(json.loads(done.output)["seconds"] / rows * 1e6)
            peaks[factor].append(done.peak)
            print(
                f"growth, {factor}x: {taken[factor][-1]:.3f} us a record, {done.peak / 1e6:.0f} MB",
                flush=True,
            )
    shutil.rmtree(store)
    rows_of = [["records", "us a record", "min-max", "peak MB"]]
    rows_of += [
        [f"{settings.growth_rows * factor:,}", *spread(taken[factor], 3), f"{max(peaks[factor]) / 1e6:.0f}"]
        for factor in FACTORS
    ]
    medians = [statistics.median(times) for times in taken.values()]
    highest = [max(own) for own in peaks.values()]
    text = f"The same traffic for longer, {settings.rounds} rounds:\n\n{table(rows_of)}"
    figures = {
        "growth": max(medians) / min(medians),
        "growth-memory": max(highest) / min(highest),
        "memory-whole": max(highest) / 1e9,
    }
    return Section("Growth", text, figures)


def many(settings: Settings) -> Section:
    """Measure a second ingest of many known sources, and the opening of a store of many files."""
    store = settings.work / "many"
    sources, dates = settings.work / "known", settings.work / "dates"
    one, other = settings.work / "one", settings.work / "other"
    tiny(sources, settings.known, timedelta(minutes=1))
    first = _ingest(sources, store, settings.known)
    again = [_ingest(sources, store, 0) for _ in range(settings.rounds)]
    shutil.rmtree(store)
    shutil.rmtree(sources)
    tiny(dates, settings.dates, timedelta(days=1))
    _ingest(dates, store, settings.dates)
    tiny(one, 1, timedelta(days=1))
    _ingest(one, other, 1)
    files = len(json.loads(_flowdb("files", "--store", str(store), "--output", "json").output))
    alone, opened, answered = [], [], []
    for _ in range(settings.rounds * 3):
        alone.append(run([sys.executable, "-c", ALONE, str(store)]).seconds)
        command = [sys.executable, "-c", OPENING, str(other), str(store), "2000-01-01"]
        took = json.loads(run(command).output)
        opened.append(took[0])
        answered.append(took[1])
    for folder in (store, dates, one, other):
        shutil.rmtree(folder)
    rows = [["what", "median s", "min-max s"]]
    rows.append([f"first ingest of {settings.known:,} sources of one record", f"{first.seconds:.1f}", "-"])
    rows.append(["second ingest of them, a process", *spread([one.seconds for one in again])])
    rows.append([f"a process that opens a store of {files:,} files, and asks one query", *spread(alone, 3)])
    rows.append(["opening it where another store was asked before, the first query", *spread(opened, 3)])
    rows.append(["then the sums of one day", *spread(answered, 3)])
    figures = {
        "known": statistics.median(one.seconds for one in again),
        "open": statistics.median(opened),
        "open-process": statistics.median(alone),
    }
    text = (
        "The goal of opening is held against a process that has asked another store, and so has loaded\n"
        "Python, flowdb and DuckDB; one that does nothing else is told too.\n\n"
    )
    return Section("Many sources and files", f"{text}{table(rows)}", figures)


def tiny(directory: Path, count: int, step: timedelta) -> None:
    """Write `count` sources of one record each, one every `step` before 2024."""
    directory.mkdir(parents=True)
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    header = " ".join(name for name, _ in COLUMNS) + "\n"
    for number in range(count):
        moment -= step
        second = int(moment.timestamp())
        record = f"2 123456789012 {ENDS} 1 {40 + number} {second} {second} ACCEPT OK\n"
        (directory / f"{number:06}.log").write_text(header + record, encoding="ascii")


def _ingest(sources: Path, store: Path, expected: int) -> Run:
    done = _flowdb("ingest", str(sources), "--store", str(store), "--json")
    ingested = json.loads(done.output)["sources_ingested"]
    if ingested != expected:
        raise BenchmarkError(f"{ingested} sources were ingested of {expected}")
    return done


def _flowdb(*arguments: str) -> Run:
    done = run([sys.executable, "-m", "flowdb", *arguments])
    if done.status:
        raise BenchmarkError(f"flowdb {arguments[0]} failed with status {done.status}")
    return done
