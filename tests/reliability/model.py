"""A model of a store that shares nothing with flowdb: the rows of each source, read from its text."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

__all__ = ["FIRST_DAY", "Logs", "Model", "Row"]

FIRST_DAY = date(2024, 1, 10)
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
    " action log-status"
)
Row = tuple[str, str, int, int, int, str]
"""Of a record: date, source address, packets, bytes, start in seconds since 1970, action."""


class Logs:
    """Writes logs. Every record has other bytes, and as packets the number of those that are there with it.

    These are the records of its source, its date and its action: whatever happens to a store,
    they are all in it, or none is.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self._chance = chance
        self._numbers = count(1)
        self._bytes = count(1)

    def write(self, days: Iterable[date], most: int = 20) -> Path:
        """Write a new log with records of these dates."""
        suffix = self._chance.choice((".log", ".log.gz"))
        return self.rewrite(self.folder / f"{next(self._numbers):05}{suffix}", days, most)

    def rewrite(self, path: Path, days: Iterable[date], most: int = 20) -> Path:
        """Write a log anew, with other records."""
        lines = [HEADER]
        for day in days:
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            for action in ("ACCEPT", "REJECT"):
                size = self._chance.randint(1, most)
                for _ in range(size):
                    start = midnight + self._chance.randint(0, 86_000)
                    address = f"10.0.{self._chance.randint(0, 3)}.{self._chance.randint(1, 250)}"
                    interface = f"eni-{self._chance.randint(1, 5)}"
                    lines.append(
                        f"2 123456789012 {interface} {address} 10.1.1.1 40000 443 6 {size}"
                        f" {next(self._bytes)} {start} {start + 30} {action} OK"
                    )
        lines += [f"bad {next(self._bytes)}" for _ in range(self._chance.choice((0, 0, 1, 3)))]
        text = "".join(f"{line}\n" for line in lines).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
        return path


@dataclass
class _Source:
    rows: list[Row] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    last: str = ""


class Model:
    """What a store has to have in it."""

    def __init__(self) -> None:
        self.sources: dict[str, _Source] = {}

    def copy(self) -> Model:
        """Return another that may be changed."""
        return deepcopy(self)

    def rows(self) -> list[tuple[str, Row]]:
        """Return all records with the names of their sources, in order."""
        return sorted((name, row) for name, source in self.sources.items() for row in source.rows)

    def bad(self) -> list[tuple[str, int, str]]:
        """Return all bad lines with their sources and numbers, in order."""
        return sorted((name, *line) for name, source in self.sources.items() for line in source.bad)

    def take(self, paths: Iterable[Path], *, anew: bool = False) -> None:
        """Take in the logs at these paths; those that are known only if anew."""
        for path in paths:
            if anew or path.name not in self.sources:
                self.sources[path.name] = _parsed(path)

    def prune(self, before: date, *, keeps_rejects: bool) -> None:
        """Take out the records of earlier dates, but for refused flows if they are kept."""

        def goes(row: Row) -> bool:
            return row[0] < before.isoformat() and not (keeps_rejects and row[5] == "REJECT")

        dates = [row[0] for source in self.sources.values() for row in source.rows if goes(row)]
        for source in self.sources.values():
            source.rows = [row for row in source.rows if not goes(row)]
            if dates and source.last <= max(dates):
                source.bad = []

    def forget(self, names: Iterable[str]) -> None:
        """Take out sources."""
        for name in names:
            del self.sources[name]


def _parsed(path: Path) -> _Source:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    found = _Source()
    for number, line in enumerate(text.splitlines(), 1):
        values = line.split(" ")
        if values[0] == "bad":
            found.bad.append((number, line))
        elif values[0] == "2":
            start = int(values[10])
            day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)).date().isoformat()
            found.rows.append((day, values[3], int(values[8]), int(values[9]), start, values[12]))
    found.last = max(row[0] for row in found.rows)
    return found
