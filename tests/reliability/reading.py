"""Reads a store again and again, as long as a file is not there, and tells what it saw.

    python -m tests.reliability.reading python|file STORE RESULT STOP PAUSE

Every read checks, in one question, what only one whole commit can be: all records that came
together are there together and once, and files, sources and commits account for them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

import flowdb

__all__ = ["CHECK", "WHOLE", "Reads", "reader"]

CHECK = """
WITH together AS (
    SELECT source_id, date, action, count(*) AS n, count(DISTINCT bytes) AS d,
        min(packets) AS least, max(packets) AS most
    FROM flows GROUP BY ALL
)
SELECT
    (SELECT count(*) FROM together WHERE n <> d OR n <> least OR n <> most) AS torn,
    (SELECT count(*) FROM together ANTI JOIN sources USING (source_id)) AS unknown,
    (SELECT count(*) FROM flows) - (SELECT coalesce(sum(records - removed_records), 0) FROM commits) AS more,
    (SELECT count(*) FROM bad_lines)
        - (SELECT coalesce(sum(bad_lines - removed_bad_lines), 0) FROM commits) AS more_bad,
    (SELECT count(*) FROM sources)
        - (SELECT coalesce(sum(sources - removed_sources), 0) FROM commits) AS more_sources,
    (SELECT count(*) FROM flows)
        - (SELECT coalesce(sum(records), 0) FROM files WHERE kind = 'flows') AS unlisted,
    (SELECT count(*) FROM sources) - (SELECT count(DISTINCT uri) FROM sources) AS twice
"""
WHOLE = (0,) * 7
"""What the check answers of a whole commit."""


@dataclass
class Reads:
    """What a reader saw; the slowest read is in seconds."""

    count: int = 0
    slowest: float = 0.0
    commits: int = 0
    wrong: list[str] = field(default_factory=list)


def read(ask: Callable[[str], list[tuple[Any, ...]]], seen: Reads, commits: set[int]) -> None:
    """Check the store once."""
    answer = ask(CHECK)
    if answer != [WHOLE]:
        seen.wrong.append(repr(answer))
    commits.update(number for (number,) in ask("SELECT max(commit_id) FROM commits"))


def read_in_python(path: Path, stop: Path, pause: float, seen: Reads, commits: set[int]) -> None:
    """Open the store and ask it ten times, again and again."""
    while not stop.exists():
        began = time.perf_counter()
        with flowdb.open(path) as db:
            for _ in range(10):
                read(lambda query: db.sql(query).fetchall(), seen, commits)
                seen.slowest = max(seen.slowest, time.perf_counter() - began)
                seen.count += 1
                time.sleep(pause)
                began = time.perf_counter()


def read_the_file(path: Path, stop: Path, pause: float, seen: Reads, commits: set[int]) -> None:
    """Open the generated file alone, and ask it."""
    while not stop.exists():
        began = time.perf_counter()
        with duckdb.connect(str(path / "flowdb.duckdb"), read_only=True) as connection:
            read(lambda query: connection.execute(query).fetchall(), seen, commits)
        seen.slowest = max(seen.slowest, time.perf_counter() - began)
        seen.count += 1
        time.sleep(pause)


def reader(way: str, store: Path, result: Path, stop: Path, pause: float = 0.0) -> subprocess.Popen[bytes]:
    """Start a process that reads a store until there is a file `stop`, and then writes its result."""
    argv = map(str, (way, store, result, stop, pause))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.reading", *argv],
        cwd=Path(__file__).resolve().parent.parent.parent,
    )


def main() -> None:
    """Read, and write what was seen as JSON."""
    way, store, result, stop = sys.argv[1], *map(Path, sys.argv[2:5])
    seen, commits = Reads(), set[int]()
    try:
        {"python": read_in_python, "file": read_the_file}[way](store, stop, float(sys.argv[5]), seen, commits)
    except Exception as error:  # noqa: BLE001 -- whatever it is, no reader may meet it
        seen.wrong.append(repr(error))
    seen.commits = len(commits)
    result.write_text(json.dumps(asdict(seen)))


if __name__ == "__main__":
    main()
