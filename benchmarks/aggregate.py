"""flowlogs-reader's `aggregate` beside flowdb's: the sums of every 5-tuple of the same records.

flowlogs-reader reads buckets and log groups alone, so its records and its aggregation are given the lines of
the same objects. nfdump is no peer here: it reads what collectors wrote of NetFlow, IPFIX, sFlow and packets,
and nothing that comes with it makes that of AWS's text.
"""

import argparse
import gzip
import hashlib
import json
import shutil
import statistics
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.ingest import OBJECTS
from benchmarks.machine import table
from benchmarks.peers import sources
from benchmarks.runs import SKIPPED, BenchmarkError, module, spread, turns
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

ROWS, FILES = 200_000, 24
WAYS = ("flowlogs-reader", "flowdb, ingest and query")
QUERY = """
    SELECT srcaddr, dstaddr, srcport, dstport, protocol,
           sum(packets), sum(bytes), min(start_time), max(end_time)
    FROM flows
    WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL AND srcport IS NOT NULL AND dstport IS NOT NULL
    GROUP BY ALL
"""


def aggregate(settings: Settings) -> Section:
    """Measure both, whole processes from text to sums."""
    logs = settings.generated(rows=min(ROWS, settings.rows), files=FILES) / OBJECTS
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    answers: dict[str, str] = {}
    for _, way in turns(WAYS, settings.rounds):
        store = settings.work / "aggregate"
        shutil.rmtree(store, ignore_errors=True)
        done = module("benchmarks.aggregate", way, str(logs), str(store))
        if done.status == SKIPPED:
            print(done.output, flush=True)
            continue
        seconds[way].append(done.seconds)
        answers[way] = done.output
        print(f"aggregate: {way} {done.seconds:.2f} s", flush=True)
    if len(set(answers.values())) != 1:
        raise BenchmarkError(f"the answers differ: {answers}")
    rows = [["way", "median s", "min-max s", "x flowdb"]]
    own = statistics.median(seconds[WAYS[1]])
    rows += [
        [way, *spread(times), f"{statistics.median(times) / own:.1f}"]
        for way, times in seconds.items()
        if times
    ]
    groups = json.loads(answers[WAYS[1]])["groups"]
    text = (
        f"{min(ROWS, settings.rows):,} records make {groups:,} sums by 5-tuple, the same ones.\n\n"
        f"{table(rows)}\n\n"
        "flowlogs-reader reads no local files: its records and its aggregation were given the lines. nfdump "
        "is left out, as it reads NetFlow, IPFIX, sFlow and packets, and nothing that comes with it reads "
        "AWS's text."
    )
    return Section("Sums by 5-tuple", text, {})


def _flowlogs_reader(folder: Path) -> list[tuple[object, ...]]:
    from flowlogs_reader import FlowRecord, aggregated_records

    def records() -> object:
        for path in sources(folder):
            with gzip.open(path, "rt", encoding="ascii") as lines:
                names = [name.replace("-", "_") for name in next(lines).split()]
                for line in lines:
                    yield FlowRecord(dict(zip(names, line.split(), strict=True)))

    return [
        (
            one["srcaddr"], one["dstaddr"], one["srcport"], one["dstport"], one["protocol"],
            one["packets"], one["bytes"], one["start"], one["end"],
        )
        for one in aggregated_records(records())
    ]  # fmt: skip


def _flowdb(folder: Path, store: Path) -> list[tuple[object, ...]]:
    from flowdb import FlowDB

    with FlowDB(store) as db:
        db.ingest(folder)
        rows: list[tuple[object, ...]] = db.sql(QUERY).fetchall()
    return rows


def main() -> int:
    """Print the number of sums and a hash of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aggregate", description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("store", type=Path)
    args = parser.parse_args()
    if args.way == WAYS[0]:
        if find_spec("flowlogs_reader") is None:
            print(f"{args.way}: skipped, its package is not installed")
            return SKIPPED
        rows = _flowlogs_reader(args.folder)
    else:
        rows = _flowdb(args.folder, args.store)
    told = "\n".join(sorted(" ".join(map(str, row)) for row in rows))
    print(json.dumps({"groups": len(rows), "hash": hashlib.sha256(told.encode()).hexdigest()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
