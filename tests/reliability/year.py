"""A store that is ingested into every few minutes for a year: the time of an ingest, the number of files.

    python -m tests.reliability.year --days 365 --every 5

Time is simulated: each ingest brings a log with records of its moment. At the end of every month the same
logs go, in turn, into this store and into one that is new. It fails if some date has too many files at some
time, or if an ingest into the old store takes longer than one into the new. With --folder the store stays
where it is, and is played on from there the next time.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flowdb
from flowdb import FlowDB
from flowdb.catalog import Catalog
from flowdb.companions import HOURLY
from tests.conftest import HEADER, record, write_log

__all__ = ["Month", "problems", "simulate"]

MOST_FILES = 20
"""Files that a date may have."""
MOST_GROWTH = 1.5
"""How many times as long as into a new store an ingest may take."""
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_COMPARED = 60
_RECORDS = 40
_GRACE = "2s"


@dataclass
class Month:
    """What the ingests of a month took, in seconds, and what the store had at its end."""

    number: int
    seconds: list[float] = field(default_factory=list)
    growth: float = 1.0
    most_files: int = 0
    files: int = 0
    catalogue_bytes: int = 0

    def line(self) -> str:
        """Return the month as a row of a table."""
        ordered = sorted(self.seconds)
        p95 = ordered[int(len(ordered) * 0.95)]
        return (
            f"{self.number:>5} {len(ordered):>8,} {statistics.median(ordered):>8.3f} {p95:>8.3f}"
            f" {ordered[-1]:>8.3f} {self.growth:>8.2f} {self.most_files:>8} {self.files:>8,}"
            f" {self.catalogue_bytes:>12,}"
        )


TITLE = "month  ingests   median      p95      max   growth  by date    files    catalogue"


def simulate(folder: Path, days: int, every: int, month_days: int = 30) -> Iterator[Month]:
    """Ingest for so many days, every so many minutes; yield each month when it is over."""
    store, young = folder / "store", folder / "young"
    moments = [_FIRST + timedelta(minutes=minute) for minute in range(0, days * 1440, every)]
    per_day = 1440 // every
    per_month = per_day * month_days
    played = _played(store)
    for start in range(played - played % per_month, len(moments), per_month):
        month = Month(start // per_month + 1)
        end = min(start + per_month, len(moments))
        compared = []
        shutil.rmtree(young, ignore_errors=True)
        for first in range(max(start, played), end, per_day):
            # As from cron, no process lives for long; here one lives for a day.
            with flowdb.open(store, grace=_GRACE) as old, flowdb.open(young, grace=_GRACE) as new:
                for number in range(first, min(first + per_day, end)):
                    log = _log(folder / "logs", moments[number])
                    if number >= end - 2 * _COMPARED:
                        # The first of these make the new store one that is not quite empty.
                        compared.append((_timed(new, log), _timed(old, log)))
                        month.seconds.append(compared[-1][1])
                    else:
                        month.seconds.append(_timed(old, log))
                    log.unlink()
                    month.most_files = max(month.most_files, _files(old)[0])
                last = min(first + per_day, end)
                month.files = _files(old)[1]
                assert old.sql("SELECT count(*) FROM flows").fetchall() == [(_RECORDS * last,)]
        fresh, aged = zip(*compared[_COMPARED:] or compared, strict=True)
        month.growth = statistics.median(aged) / statistics.median(fresh)
        month.catalogue_bytes = (store / "catalog.sqlite").stat().st_size
        yield month


def _log(folder: Path, moment: datetime) -> Path:
    """Write the log of a moment, which has records of the minutes before it too."""
    start = int(moment.timestamp())
    lines = [record(n, start=start - n % 600) for n in range(_RECORDS)]
    return write_log(folder / f"{moment:%Y%m%dT%H%MZ}.log.gz", [HEADER, *lines])


def _timed(db: FlowDB, log: Path) -> float:
    began = time.perf_counter()
    report = db.ingest(log)
    took = time.perf_counter() - began
    assert (report.records, report.notes, report.failures) == (_RECORDS, [], [])
    return took


def _played(store: Path) -> int:
    """Return how many ingests a store has had."""
    if not store.exists():
        return 0
    catalog = Catalog(store / "catalog.sqlite")
    try:
        return sum(row.verb == "ingest" for row in catalog.commits())
    finally:
        catalog.close()


def _files(db: FlowDB) -> tuple[int, int]:
    """Return how many live files of records a date has at most, and how many there are of all kinds."""
    files = db._opened.catalog.files()
    return max(Counter(row.date for row in files if row.date and row.kind != HOURLY).values()), len(files)


def problems(months: list[Month]) -> list[str]:
    """Return what is not as it was promised."""
    found = [
        f"month {one.number}: a date had {one.most_files} files"
        for one in months
        if one.most_files > MOST_FILES
    ]
    found += [
        f"month {one.number}: an ingest took {one.growth:.2f} times as long as into a new store"
        for one in months
        if one.growth > MOST_GROWTH
    ]
    return found


def main() -> int:
    """Run the simulation and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--every", type=int, default=5, help="minutes between two ingests")
    parser.add_argument("--month", type=int, default=30, help="days of a row in the table")
    parser.add_argument("--folder", help="where the store is made, stays and is played on")
    given = parser.parse_args()
    months = []
    place: AbstractContextManager[str] = (
        nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory(prefix="flowdb-year-")
    )
    with place as folder:
        print(TITLE, flush=True)
        for month in simulate(Path(folder), given.days, given.every, given.month):
            print(month.line(), flush=True)
            months.append(month)
    found = problems(months)
    print("\n".join(found) or "as promised")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
