"""The cases of the analyses: for each a given log, questions, and the answers that are expected."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flowdb
from flowdb import FlowDB
from flowdb.analyses import Analysis, analyses
from flowdb.fields import FIELDS

CASES = Path(__file__).parent / "analyses"
SQL = Path(__file__).parent.parent / "sql"
NAMES = sorted(path.stem for path in (SQL / "analyses").rglob("*.sql"))
# When a given log was last changed, and so delivered, as its name does not tell.
DELIVERED = datetime(2024, 1, 15, 15, 30, tzinfo=UTC).timestamp()
# What a key that stands for several columns stands for.
KEYS = {
    "pair": ["srcaddr", "dstaddr"],
    "pkt_pair": ["pkt_srcaddr", "pkt_dstaddr"],
    "conversation": ["protocol", "server", "server_port", "client", "client_port"],
}


@dataclass(frozen=True)
class Case:
    """A question to an analysis, and the file that has the answer."""

    analysis: str
    name: str
    params: dict[str, Any]
    expected: str
    shows: str

    def __str__(self) -> str:
        return f"{self.analysis}: {self.name}"


def cases_of(name: str) -> Iterator[Case]:
    """The cases of an analysis: the default, whose parameters all others have too, and those of its file."""
    path = CASES / name / "cases.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    given = found.get("given", {})
    yield Case(name, "default", given, "expected.csv", "What the defaults answer.")
    for case in found.get("case", []):
        yield Case(name, **{**case, "params": given | case["params"]})


ALL_CASES = [case for name in NAMES for case in cases_of(name)]


def given(name: str) -> dict[str, Any]:
    """The parameters that an analysis is asked with in its default case."""
    return next(cases_of(name)).params


def given_log(name: str) -> Path:
    return CASES / name / "given.log"


def given_store(folder: Path, name: str) -> FlowDB:
    """A store of the given log of an analysis."""
    return store_of_logs(folder, Path(shutil.copy(given_log(name), folder)))


class GivenStores:
    """A store of the given log of each analysis, made when it is first asked for; nobody writes to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: dict[str, FlowDB] = {}

    def __getitem__(self, name: str) -> FlowDB:
        if name not in self._opened:
            (self._folder / name).mkdir()
            self._opened[name] = given_store(self._folder / name, name)
        return self._opened[name]

    def close(self) -> None:
        for db in self._opened.values():
            db.close()


def store_of_logs(folder: Path, *logs: Path) -> FlowDB:
    for log in logs:
        os.utime(log, (DELIVERED, DELIVERED))
    db = flowdb.open(folder / "store")
    report = db.ingest(*logs)
    assert (report.sources_ingested, report.bad_lines, report.failures) == (len(logs), 0, [])
    return db


def shifted(name: str, days: int, folder: Path) -> Path:
    """The given log of an analysis, so many days later."""
    header, *lines = given_log(name).read_text(encoding="utf-8").splitlines()
    times = [n for n, field in enumerate(header.split(" ")) if field in ("start", "end")]
    later = [header]
    for line in lines:
        values = line.split(" ")
        for n in times:
            if values[n] != "-":
                values[n] = str(int(values[n]) + days * 86400)
        later.append(" ".join(values))
    path = folder / f"{days:+}.log"
    path.write_text("\n".join(later) + "\n", encoding="utf-8")
    return path


def widened(name: str, folder: Path) -> Path:
    """The given log of an analysis with all the fields that it lacks, none of which has a value."""
    header, *lines = given_log(name).read_text(encoding="utf-8").splitlines()
    lacking = [field.name for field in FIELDS if field.name not in header.split(" ")]
    path = folder / "wide.log"
    rows = [" ".join([header, *lacking]), *(" ".join([line, *("-" for _ in lacking)]) for line in lines)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def span_of(name: str) -> tuple[datetime, datetime]:
    """The first midnight before the records of a given log, and the first after them."""
    header, *lines = given_log(name).read_text(encoding="utf-8").splitlines()
    names = header.split(" ")
    records = [dict(zip(names, line.split(" "), strict=True)) for line in lines]
    # A start in the far future is one that a damaged log has.
    moments = [int(one["end"]) for one in records if one["end"] != "-"]
    moments += [int(one["start"]) for one in records if one["start"] != "-" and int(one["start"]) < 2**31]
    first, last = (
        datetime.fromtimestamp(moment, UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        for moment in (min(moments), max(moments))
    )
    return first, last + timedelta(days=1)


def documented_columns(analysis: Analysis, by: str) -> list[str]:
    """The columns that the header names; "the key" are those of `by`."""
    columns = [name.strip() for name in analysis.columns.split(",")]
    keys = [column for key in by.split(",") for column in KEYS.get(key.strip(), [key.strip()])]
    return [name for column in columns for name in (keys if column == "the key" else [column])]


def default_of(name: str, parameter: str) -> Any:
    """The value of a parameter in the default case."""
    if parameter in given(name):
        return given(name)[parameter]
    return {one.name: one.default for one in analyses()[name].parameters}.get(parameter)
