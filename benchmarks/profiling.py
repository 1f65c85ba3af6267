"""Where the time of an ingest and of two questions goes: the tables of docs/performance.md.

The ingest runs twice, once under py-spy, which tells the function of flowdb that a thread was in, and once
under Linux's perf, where it is installed, which tells the library. DuckDB itself says what its operators
took.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.generate import generate
from benchmarks.machine import listed, machine, table, versions
from flowdb import FlowDB

RECORDS, FILES = 2_000_000, 144
QUESTIONS = ("top_talkers", "service_flows")
RATE, SHOWN, ROUNDS = 200, 14, 5
FRAME = re.compile(r"([^;]+) \((flowdb/[a-z_]+\.py):\d+\)")
LIBRARY = re.compile(r"^\s+([\d.]+)%\s+(\S+)", re.MULTILINE)


def functions(command: list[str], work: Path) -> Counter[str]:
    """Return how often a thread was last in each function of flowdb, or in none."""
    raw = work / "profile.raw"
    options = ["--nonblocking", "--rate", str(RATE), "--format", "raw", "--output", str(raw)]
    spy = str(Path(sys.executable).with_name("py-spy"))
    subprocess.run([spy, "record", *options, "--", *command], check=True, capture_output=True)
    counted: Counter[str] = Counter()
    for line in raw.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        own = FRAME.findall(stack)
        counted[f"`{own[-1][0]}`, {own[-1][1]}" if own else "Python's start, imports, waiting"] += int(count)
    return counted


def libraries(command: list[str], work: Path) -> dict[str, float]:
    """Return the percentage of CPU time in each library; nothing where perf is not installed."""
    if shutil.which("perf") is None:
        return {}
    data = str(work / "perf.data")
    subprocess.run(["perf", "record", "-F", str(RATE), "-o", data, *command], check=True, capture_output=True)
    report = ["perf", "report", "-i", data, "--sort", "dso"]
    told = subprocess.run(report, check=True, capture_output=True, text=True).stdout
    return {name: float(percent) for percent, name in LIBRARY.findall(told)}


def operators(db: FlowDB, question: str) -> tuple[float, float, Counter[str]]:
    """Return the median seconds of a question, those of its plan alone, and DuckDB's seconds by operator."""
    whole, plan = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        getattr(db, question)().fetchall()
        whole.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        db.sql(f"EXPLAIN FROM {question}()").fetchall()
        plan.append(time.perf_counter() - begun)
    ((_, told),) = db.sql(f"EXPLAIN (ANALYZE, FORMAT json) FROM {question}()").fetchall()
    counted: Counter[str] = Counter()

    def walk(operator: dict[str, Any]) -> None:
        counted[operator["name"].strip()] += operator["timing"]
        for child in operator.get("children", []):
            walk(child)

    for root in json.loads(told)["operator"]:
        walk(root)
    return sorted(whole)[ROUNDS // 2], sorted(plan)[ROUNDS // 2], counted


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("--rows", type=int, default=RECORDS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flowdb-benchmark-") as name:
        work = Path(name)
        generate(work / "logs", records=args.rows, files=FILES)
        store = work / "store"
        command = [sys.executable, "-m", "flowdb", "ingest", str(work / "logs"), "--store", str(store)]
        counted = functions(command, work)
        shutil.rmtree(store)
        every = counted.total()
        rows = [["the function of flowdb a thread was in", "of the samples"]]
        rows += [[name, f"{count / every:.1%}"] for name, count in counted.most_common(SHOWN)]
        print(f"Ingest of {args.rows:,} records, {every} samples of py-spy\n\n{table(rows)}\n")
        if found := libraries(command, work):
            rows = [["library", "of the CPU time"]]
            rows += [[f"`{name}`", f"{percent:.1f} %"] for name, percent in found.items() if percent >= 1]
            print(f"{table(rows)}\n")
        with FlowDB(store) as db:
            for question in QUESTIONS:
                whole, plan, times = operators(db, question)
                rows = [["operator", "seconds of both cores"]]
                rows += [[name, f"{seconds:.3f}"] for name, seconds in times.most_common(6)]
                print(f"`{question}`: {whole:.3f} s, its plan {plan:.3f} s\n\n{table(rows)}\n")
    print(listed({**machine(), **versions()}))


if __name__ == "__main__":
    main()
