"""The ingest beside its peers: every one in turn turns the same objects into the same Parquet."""

import json
import os
import shutil
import statistics
from dataclasses import asdict
from pathlib import Path

from benchmarks.answers import Totals
from benchmarks.machine import table
from benchmarks.peers import PEERS, sources
from benchmarks.runs import SKIPPED, BenchmarkError, Run, module, spread, turns
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

OBJECTS = "AWSLogs"
RATIOS = ("floor", "duckdb", "polars")


def ingest(settings: Settings) -> Section:
    """Measure the ingest of the default format and of the 29 fields of version 5."""
    texts: list[str] = []
    figures: dict[str, float] = {}
    for fields, name, memory in (("default", "ingest", "memory"), ("v5", "v5", "memory-v5")):
        directory = settings.generated(fields)
        totals = Totals.load(directory)
        runs, sizes = race(directory / OBJECTS, settings.work, totals, settings.rounds, fields)
        texts.append(_text(runs, sizes, totals, len(sources(directory / OBJECTS)), fields))
        medians = _medians(runs)
        if "floor" in medians:
            figures[f"{name}-floor"] = medians["flowdb"] / medians["floor"]
        if "polars" in medians:
            figures[f"{name}-polars"] = medians["polars"] / medians["flowdb"]
        figures[memory] = max(run.peak for run in runs["flowdb"]) / 1e9
    notes = (
        "Seconds are wall time of a peer's process from start to exit, with the objects in the page cache. "
        "Peak is the resident memory of its largest process, the highest of its runs. `floor` only "
        "decompresses, `flowdb, plain` is flowdb without its compiled part. The Parquet of every peer gave "
        "the generator's answers: records, bytes, packets, rejects, and records per date."
    )
    return Section("Ingest", "\n\n".join([*texts, notes]), figures)


def huge(settings: Settings) -> Section:
    """Measure the memory that one huge source takes."""
    directory = settings.directory(f"huge-{settings.huge_gb:g}")
    if not (directory / "totals.json").exists():
        module("benchmarks.generate", str(directory), "--huge-gb", str(settings.huge_gb))
    totals = Totals.load(directory)
    out = settings.work / "huge"
    shutil.rmtree(out, ignore_errors=True)
    run = module("benchmarks.peers", "flowdb", str(directory / OBJECTS), str(out))
    _check("flowdb", run, out, totals)
    shutil.rmtree(out)
    size = totals.raw_bytes / 1e9
    text = (
        f"One gzip object with {size:.1f} GB of text, {totals.records:,} records: {run.seconds:.0f} s, "
        f"{totals.raw_bytes / 1e6 / run.seconds:.0f} MB of text a second, {run.peak / 1e6:.0f} MB of memory."
    )
    return Section("One huge source", text, {"memory-huge": run.peak / 1e9})


def race(
    objects: Path, work: Path, totals: Totals, rounds: int, fields: str
) -> tuple[dict[str, list[Run]], dict[str, int | None]]:
    """Run every peer once a round and check every run's answer; return the runs, and the bytes of Parquet.

    A peer that is skipped is not among them.
    """
    runs: dict[str, list[Run]] = {name: [] for name in PEERS}
    sizes: dict[str, int | None] = {}
    for path in sources(objects):
        path.read_bytes()
    for number, name in turns(PEERS, rounds):
        if name not in runs:
            continue
        out = work / name
        shutil.rmtree(out, ignore_errors=True)
        os.sync()
        run = module("benchmarks.peers", name, str(objects), str(out), "--fields", fields)
        if run.status == SKIPPED:
            print(run.output, flush=True)
            del runs[name]
            continue
        sizes[name] = _check(name, run, out, totals)
        runs[name].append(run)
        shutil.rmtree(out, ignore_errors=True)
        print(
            f"{fields}, round {number + 1}: {name} {run.seconds:.2f} s, {run.peak / 1e6:.0f} MB", flush=True
        )
    return runs, sizes


def _check(name: str, run: Run, out: Path, totals: Totals) -> int | None:
    """Hold one run against the generator's totals, and return the bytes of its Parquet, if it writes any."""
    parquet = PEERS[name].parquet
    if parquet is None:
        if int(run.output) != totals.raw_bytes:
            raise BenchmarkError(f"{name} read {run.output} bytes of {totals.raw_bytes}")
        return None
    given = json.loads(module("benchmarks.answers", str(out / parquet)).output)
    if given != asdict(totals.answer):
        raise BenchmarkError(f"{name} answers\n  {given}\nwhere the generator wrote\n  {totals.answer}")
    return sum(path.stat().st_size for path in (out / parquet).glob("date=*/*.parquet"))


def _medians(runs: dict[str, list[Run]]) -> dict[str, float]:
    return {name: statistics.median(run.seconds for run in own) for name, own in runs.items()}


def _text(
    runs: dict[str, list[Run]], sizes: dict[str, int | None], totals: Totals, files: int, fields: str
) -> str:
    medians = _medians(runs)
    rows = [["peer", "median s", "min-max s", "CPU s", "MB/s of text", "peak MB", "Parquet B/record"]]
    rows[0] += [f"x {name}" for name in RATIOS]
    for name, own in runs.items():
        size = sizes[name]
        rows.append(
            [
                name,
                *spread([run.seconds for run in own]),
                f"{statistics.median(run.cpu for run in own):.2f}",
                f"{totals.raw_bytes / 1e6 / medians[name]:.0f}",
                f"{max(run.peak for run in own) / 1e6:.0f}",
                "-" if size is None else f"{size / totals.records:.1f}",
                *(f"{medians[name] / medians[other]:.2f}" if other in medians else "-" for other in RATIOS),
            ]
        )
    text, packed = f"{totals.raw_bytes / 1e6:,.0f}", f"{totals.gzip_bytes / 1e6:,.0f}"
    rounds = len(next(iter(runs.values())))
    return (
        f"{totals.records:,} records of the {'default format' if fields == 'default' else '29 fields'} in "
        f"{files:,} gzip objects ({text} MB of text, {packed} MB of gzip), {rounds} rounds:\n\n{table(rows)}"
    )
