"""Run the ingest benchmark: generate, ingest with every peer in turn, check their answers, and report."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.answers import Answer, Totals
from benchmarks.peers import PEERS, SKIPPED, Run, measure, sources
from benchmarks.report import Measured, document, table

OBJECTS = "AWSLogs"


class BenchmarkError(Exception):
    """A step or a peer did not do its work, or a peer gave another answer than the generator."""


def prepare(directory: Path, rows: int, files: int) -> Totals:
    """Make sure that a set lies in `directory`: one already there is used as it is, whatever its size."""
    try:
        return Totals.load(directory)
    except FileNotFoundError:
        if directory.exists() and any(directory.iterdir()):
            raise BenchmarkError(f"{directory} holds something other than a generated set") from None
    _python("benchmarks.generate", str(directory), "--rows", str(rows), "--files", str(files))
    return Totals.load(directory)


def race(objects: Path, work: Path, totals: Totals, rounds: int) -> tuple[dict[str, Measured], list[str]]:
    """Run every peer once a round, each round beginning with another, and check every run's answer.

    A peer that is skipped or fails runs no more and is not among the measured. The names of those that fail
    come second.
    """
    measured = {name: Measured() for name in PEERS}
    failures = []
    for path in sources(objects):
        path.read_bytes()
    for number in range(rounds):
        names = list(measured)
        first = number % max(len(names), 1)
        for name in names[first:] + names[:first]:
            out = work / name
            shutil.rmtree(out, ignore_errors=True)
            os.sync()
            run = measure(name, objects, out)
            try:
                size = check(name, run, out, totals)
            except BenchmarkError as error:
                del measured[name]
                print(error, flush=True)
                if run.status != SKIPPED:
                    failures.append(name)
                continue
            measured[name].runs.append(run)
            measured[name].parquet_bytes = size
            print(f"round {number + 1}: {name} {run.seconds:.2f} s, {run.peak / 1e6:.0f} MB", flush=True)
    return measured, failures


def check(name: str, run: Run, out: Path, totals: Totals) -> int | None:
    """Hold one run against the generator's totals, and return the bytes of its Parquet, if it writes any."""
    if run.status == SKIPPED:
        raise BenchmarkError(run.output)
    if run.status:
        raise BenchmarkError(f"{name} failed with status {run.status} {run.output}".rstrip())
    parquet = PEERS[name].parquet
    if parquet is None:
        if int(run.output) != totals.raw_bytes:
            raise BenchmarkError(f"{name} read {run.output} bytes of {totals.raw_bytes}")
        return None
    given = Answer(**json.loads(_python("benchmarks.answers", str(out / parquet))))
    if given != totals.answer:
        raise BenchmarkError(f"{name} answers\n  {given}\nwhere the generator wrote\n  {totals.answer}")
    return sum(path.stat().st_size for path in (out / parquet).glob("date=*/*.parquet"))


def main() -> int:
    """Run the benchmark; the exit status is 1 if a peer failed or its answer differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="records to generate")
    parser.add_argument("--files", type=int, default=720, help="objects to generate")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each peer")
    parser.add_argument("--data", type=Path, help="folder of a set: used if it holds one, else generated")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    parser.add_argument("--keep", action="store_true", help="keep the working folder and say where it is")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="flowdb-benchmark-"))
    try:
        data = args.data or work / "data"
        totals = prepare(data, args.rows, args.files)
        measured, failures = race(data / OBJECTS, work, totals, args.rounds)
        files = len(sources(data / OBJECTS))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if args.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work)
    print(table(measured, totals))
    if failures:
        print(f"no report is written, for these failed: {', '.join(failures)}", file=sys.stderr)
        return 1
    command = f"python -m benchmarks --rows {totals.records} --files {files} --rounds {args.rounds}"
    args.output.write_text(document(measured, totals, files, command))
    return 0


def _python(module: str, *arguments: str) -> str:
    """Run a module in a process of its own, so that this one stays small, and return what it printed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{module} failed with status {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
