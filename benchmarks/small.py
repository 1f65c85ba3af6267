"""A minute's benchmark that fails when flowdb falls behind what was recorded of it.

flowdb takes turns with decompression alone and with DuckDB in this one process, and the best of each are
compared: what else the machine does disturbs some turns, not all. While a ratio is too high there are more
turns, up to a limit.
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


def ratios(pairs: Pairs, recorded: dict[str, float]) -> dict[str, float]:
    """Return the best time of the first of each pair over that of the second.

    Of the faster one a time is that of several runs, so that both are disturbed alike.
    """
    best = {name: [_seconds(way, 1) for way in ways] for name, ways in pairs.items()}
    found: dict[str, float] = {}
    for turn in range(MOST_TURNS):
        for name, ways in pairs.items():
            if turn < TURNS or found[name] > recorded.get(name, float("inf")) * WORSE:
                for place, way in enumerate(ways):
                    runs = min(max(round(best[name][1 - place] / best[name][place]), 1), MOST_RUNS)
                    best[name][place] = min(best[name][place], _seconds(way, runs))
                found[name] = best[name][0] / best[name][1]
    return found


def _seconds(way: Callable[[], object], runs: int) -> float:
    begun = time.perf_counter()
    for _ in range(runs):
        way()
    return (time.perf_counter() - begun) / runs


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


def measured(recorded: dict[str, float]) -> dict[str, float]:
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
    recorded: dict[str, float] = {}
    if not args.record:
        recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    found = measured(recorded)
    if args.record:
        kept = {name: round(ratio, 2) for name, ratio in found.items()}
        RECORDED.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        recorded = kept
    late = [name for name, ratio in found.items() if ratio > recorded[name] * WORSE]
    rows = [["ratio", "now", "recorded", "limit"]]
    rows += [
        [name, f"{ratio:.2f}", f"{recorded[name]:.2f}", f"{recorded[name] * WORSE:.2f}"]
        for name, ratio in found.items()
    ]
    print(table(rows))
    if late:
        print(f"more than a third worse than recorded: {', '.join(late)}", file=sys.stderr)
    return int(bool(late))


if __name__ == "__main__":
    sys.exit(main())
