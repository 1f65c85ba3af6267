"""A minute's benchmark that fails when flowdb falls behind what was recorded of it.

flowdb takes turns with decompression alone and with DuckDB in this one process, and the best of each are
compared, by the clock and by the processor time that they took. The latter decides: what else the machine
does changes it by some hundredths, and the clock by half. While a ratio is too high there are more turns, up
to a limit.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks import peers
from benchmarks.answers import same
from benchmarks.generate import generate
from benchmarks.machine import table
from flowdb import FlowDB

RECORDED = Path(__file__).with_name("recorded.json")
RECORDS, FILES = 500_000, 36
QUESTIONS = ("top_talkers", "rejected_sources", "service_flows")
TURNS, MOST_TURNS, MOST_RUNS = 5, 25, 10
WORSE = 4 / 3

# Two ways whose times are compared, by the name of what they measure.
Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]
# The ratio of their times, by the clock and of the processors.
Ratio = tuple[float, float]


def ratios(pairs: Pairs, recorded: dict[str, Ratio]) -> dict[str, Ratio]:
    """Return the best times of the first of each pair over those of the second.

    Of the faster one a time is that of several runs, so that both are disturbed alike.
    """
    best = {name: [_seconds(way, 1) for way in ways] for name, ways in pairs.items()}
    found: dict[str, Ratio] = {}
    for turn in range(MOST_TURNS):
        for name, ways in pairs.items():
            if turn < TURNS or is_worse(found[name], recorded.get(name)):
                own = best[name]
                for place, way in enumerate(ways):
                    runs = min(max(round(own[1 - place][0] / own[place][0]), 1), MOST_RUNS)
                    own[place] = tuple(map(min, own[place], _seconds(way, runs)))
                found[name] = (own[0][0] / own[1][0], own[0][1] / own[1][1])
    return found


def is_worse(found: Ratio, recorded: Ratio | None) -> bool:
    """Tell whether the ratio of processor time is more than a third above the recorded one."""
    return recorded is not None and found[1] > recorded[1] * WORSE


def _seconds(way: Callable[[], object], runs: int) -> tuple[float, ...]:
    begun, worked = time.perf_counter(), time.process_time()
    for _ in range(runs):
        way()
    return (time.perf_counter() - begun) / runs, (time.process_time() - worked) / runs


def ingests(objects: Path, work: Path) -> Pairs:
    """Return the ingest beside decompression alone, and beside DuckDB's `COPY`."""

    def own() -> None:
        shutil.rmtree(work / "again", ignore_errors=True)
        with FlowDB(work / "again") as db:
            db.ingest(objects)

    def copied() -> None:
        shutil.rmtree(work / "copied", ignore_errors=True)
        peers.duckdb(objects, work / "copied", peers.COLUMNS)

    return {
        "ingest over floor": (own, lambda: peers.decompressed(objects)),
        "ingest over DuckDB": (own, copied),
    }


def questions(db: FlowDB, naive: duckdb.DuckDBPyConnection) -> Pairs:
    """Return questions beside the same ones by hand, whose answers are equal."""
    pairs: Pairs = {}
    for question in QUESTIONS:
        plain = (Path(__file__).with_name("plain") / f"{question}.sql").read_text(encoding="utf-8")
        ways = (
            lambda question=question: getattr(db, question)().fetchall(),
            lambda plain=plain: naive.execute(plain).fetchall(),
        )
        if not same(ways[1](), ways[0]()):
            raise AssertionError(f"{question} answers another thing")
        pairs[f"{question} over DuckDB"] = ways
    return pairs


def measured(recorded: dict[str, Ratio]) -> dict[str, Ratio]:
    """Measure everything on one generated set."""
    with tempfile.TemporaryDirectory(prefix="flowdb-benchmark-") as name:
        work = Path(name)
        generate(work / "logs", records=RECORDS, files=FILES, seed=11)
        objects = work / "logs" / "AWSLogs"
        with FlowDB(work / "store") as db, duckdb.connect() as naive:
            db.ingest(objects)
            peers.duckdb(objects, work / "naive", peers.COLUMNS)
            files = f"'{work}/naive/*/*.parquet', hive_partitioning = true"
            naive.execute(f"CREATE VIEW flows AS FROM read_parquet({files})")
            return ratios({**ingests(objects, work), **questions(db, naive)}, recorded)


def main() -> int:
    """Measure and compare; the exit status is 1 if a ratio is more than a third above the recorded one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {RECORDED.name} instead of comparing")
    args = parser.parse_args()
    recorded: dict[str, Ratio] = {}
    if not args.record:
        stored = json.loads(RECORDED.read_text(encoding="utf-8"))
        recorded = {name: (ratio[0], ratio[1]) for name, ratio in stored.items()}
    found = measured(recorded)
    if args.record:
        recorded = {
            name: (round(clock, 2), round(processor, 2)) for name, (clock, processor) in found.items()
        }
        RECORDED.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")
    rows = [["ratio", "by the clock", "recorded", "of the processors", "recorded"]]
    rows += [
        [
            name,
            *(f"{figure:.2f}" for pair in zip(found[name], recorded[name], strict=True) for figure in pair),
        ]
        for name in found
    ]
    print(table(rows))
    late = [name for name in found if is_worse(found[name], recorded[name])]
    if late:
        print(f"more than a third worse than recorded: {', '.join(late)}", file=sys.stderr)
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
