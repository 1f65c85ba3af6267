"""A store that is ingested into every few minutes for a year: the time of an ingest, the number of files.

    python -m tests.reliability.year --days 365 --every 5

Time is simulated: each ingest brings a log with records of its moment. It fails if some date
has too many files at some time, or if ingests take longer in the last month than in the first.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flowdb
from flowdb.catalog import Catalog
from tests.conftest import HEADER, record, write_log

__all__ = ["Month", "problems", "simulate"]

MOST_FILES = 20
"""Files that a date may have."""
MOST_GROWTH = 1.5
"""By how much the median ingest of the last month may take longer than that of the first."""
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_WARM_UP = 2  # days
_RECORDS = 40


@dataclass
class Month:
    """What the ingests of a month took, in seconds, and what the store had at its end."""

    number: int
    seconds: list[float] = field(default_factory=list)
    most_files: int = 0
    files: int = 0
    catalogue_bytes: int = 0

    def line(self) -> str:
        """Return the month as a row of a table."""
        ordered = sorted(self.seconds)
        p95 = ordered[int(len(ordered) * 0.95)]
        return (
            f"{self.number:>5} {len(ordered):>8,} {statistics.median(ordered):>8.3f} {p95:>8.3f}"
            f" {ordered[-1]:>8.3f} {self.most_files:>8} {self.files:>8,} {self.catalogue_bytes:>12,}"
        )


TITLE = "month  ingests   median      p95      max  by date    files    catalogue"


def simulate(folder: Path, days: int, every: int, month_days: int = 30, grace: str = "2s") -> Iterator[Month]:
    """Ingest for so many days, every so many minutes; yield each month when it is over."""
    store, logs = folder / "store", folder / "logs"
    moments = [_FIRST + timedelta(minutes=minute) for minute in range(0, days * 1440, every)]
    month = Month(1)
    records = 0
    for day in range(days):
        # As from cron, no process lives for long; here one lives for a day.
        with flowdb.open(store, grace=grace) as db:
            for moment in moments[day * len(moments) // days : (day + 1) * len(moments) // days]:
                start = int(moment.timestamp())
                lines = [record(n, start=start - n % 600) for n in range(_RECORDS)]
                log = write_log(logs / f"{moment:%Y%m%dT%H%MZ}.log.gz", [HEADER, *lines])
                began = time.perf_counter()
                report = db.ingest(log)
                took = time.perf_counter() - began
                if day >= min(_WARM_UP, days - 1, month_days - 1):
                    month.seconds.append(took)
                assert not report.notes, report.notes
                records += report.records
                log.unlink()
                month.most_files = max(month.most_files, _files(store)[0])
            assert db.sql("SELECT count(*) FROM flows").fetchall() == [(records,)]
            assert records == _RECORDS * (len(moments) * (day + 1) // days)
        if (day + 1) % month_days == 0 or day + 1 == days:
            month.files = _files(store)[1]
            month.catalogue_bytes = (store / "catalog.sqlite").stat().st_size
            yield month
            month = Month(month.number + 1)


def _files(store: Path) -> tuple[int, int]:
    """Return how many live files a date has at most, and how many there are of all kinds."""
    catalog = Catalog(store / "catalog.sqlite")
    try:
        files = catalog.files()
    finally:
        catalog.close()
    return max(Counter(row.date for row in files if row.date).values()), len(files)


def problems(months: list[Month]) -> list[str]:
    """Return what is not as it was promised."""
    found = [
        f"month {one.number}: a date had {one.most_files} files"
        for one in months
        if one.most_files > MOST_FILES
    ]
    first, last = statistics.median(months[0].seconds), statistics.median(months[-1].seconds)
    if last > MOST_GROWTH * first:
        found.append(f"an ingest took {first:.3f} s in the first month, and {last:.3f} s in the last")
    return found


def main() -> int:
    """Run the simulation and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--every", type=int, default=5, help="minutes between two ingests")
    parser.add_argument("--month", type=int, default=30, help="days of a row in the table")
    parser.add_argument("--folder", help="where to make the store; by default a temporary folder")
    given = parser.parse_args()
    months = []
    with tempfile.TemporaryDirectory(prefix="flowdb-year-", dir=given.folder) as folder:
        print(TITLE, flush=True)
        for month in simulate(Path(folder), given.days, given.every, given.month):
            print(month.line(), flush=True)
            months.append(month)
    found = problems(months)
    print("\n".join(found) or "as promised")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
