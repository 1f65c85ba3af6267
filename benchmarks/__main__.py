"""Measure flowdb beside its peers, section by section, and write RESULTS.md."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.aggregate import aggregate
from benchmarks.growth import growth, many
from benchmarks.ingest import huge, ingest
from benchmarks.large import large
from benchmarks.lookups import lookups
from benchmarks.queries import queries
from benchmarks.runs import BenchmarkError
from benchmarks.scoreboard import Section, load, save, write
from benchmarks.settings import Settings
from benchmarks.sizes import sizes
from benchmarks.spark import spark
from benchmarks.starting import starting

SECTIONS: dict[str, Callable[[Settings], Section]] = {
    "ingest": ingest,
    "huge": huge,
    "sizes": sizes,
    "queries": queries,
    "lookups": lookups,
    "large": large,
    "growth": growth,
    "many": many,
    "start": starting,
    "aggregate": aggregate,
    "spark": spark,
}


def main() -> int:
    """Run the sections; the exit status is 1 if one failed, whose part of the page stays as it was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="records of each set")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each peer")
    parser.add_argument("--huge-gb", type=float, default=20, help="text of the one huge source")
    parser.add_argument("--growth-rows", type=int, help="records at 1x; a tenth of --rows")
    parser.add_argument("--known", type=int, default=100_000, help="sources that are ingested a second time")
    parser.add_argument("--files", type=int, default=10_000, help="files of the store that is opened")
    parser.add_argument("--only", help=f"sections with commas between: {','.join(SECTIONS)}")
    parser.add_argument("--data", type=Path, help="folder that keeps generated sets, and has those it holds")
    parser.add_argument("--dry", action="store_true", help="print what was measured, and write nothing")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    work = Path(tempfile.mkdtemp(prefix="flowdb-benchmark-"))
    settings = Settings(
        work=work,
        data=args.data or work / "data",
        rows=args.rows,
        rounds=args.rounds,
        huge_gb=args.huge_gb,
        growth_rows=args.growth_rows or args.rows // 10,
        known=args.known,
        dates=args.files,
    )
    try:
        if len(names) == 1:
            return _run(names[0], settings, args)
        # Each in a process of its own, for a child's peak of memory is never below its parent's.
        again = [sys.executable, "-m", "benchmarks", *sys.argv[1:], "--data", str(settings.data), "--only"]
        return max(subprocess.run([*again, name], check=False).returncode for name in names)
    finally:
        shutil.rmtree(work)


def _run(name: str, settings: Settings, args: argparse.Namespace) -> int:
    try:
        section = SECTIONS[name](settings)
    except BenchmarkError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return 1
    section.command = _command(name, args)
    print(f"\n{section.title}\n\n{section.text}\n\n{section.figures}\n", flush=True)
    if not args.dry:
        save({**load(), name: section}, list(SECTIONS))
        write(load())
    return 0


def _command(name: str, args: argparse.Namespace) -> str:
    """Return the command that measures a section as it was measured."""
    own = {
        "huge": f" --huge-gb {args.huge_gb:g}",
        "growth": f" --growth-rows {args.growth_rows or args.rows // 10}",
        "many": f" --known {args.known} --files {args.files}",
    }.get(name, f" --rows {args.rows}")
    return f"python -m benchmarks --only {name}{own} --rounds {args.rounds}"


if __name__ == "__main__":
    sys.exit(main())
