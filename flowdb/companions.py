"""The hourly sums of flows: which file holds them of which data file, and what they are.

Every data file of flows may have a companion, of the same name in a folder beside, with the sums of
its records. It is retired in the commit that retires the data file. A store without it gives the
same answers, later.
"""

from __future__ import annotations

from collections.abc import Iterable

from flowdb.datasets import FLOWS
from flowdb.rows import FileRow

__all__ = [
    "COUNTERS",
    "HOURLY",
    "KEYS",
    "SUMS_COLUMNS",
    "companion_of",
    "orphans",
    "owner_of",
    "summed_paths",
    "unsummed",
]

HOURLY = "hourly"
"""The kind of a file of hourly sums, its folder, and the view that shows them."""
_OF = "-of-"
KEYS = (
    *("account_id", "interface_id", "srcaddr", "dstaddr"),
    *("srcport", "dstport", "protocol", "action", "flow_direction"),
)
"""The columns of flows that, with the hour, sums are made by."""
COUNTERS = ("flows", "packets", "bytes")
"""What is added up; flows are records."""
SUMS_COLUMNS = {
    "date": "DATE",
    "hour": "TIMESTAMP",
    **{name: FLOWS.sql_columns[name] for name in KEYS},
    **dict.fromkeys(COUNTERS, "BIGINT"),
    "first_start": "TIMESTAMP",
    "last_start": "TIMESTAMP",
}
"""The columns of the view of sums and their DuckDB types, in order.

`hour` is the hour in which the records start, NULL where they have no start. Of the two ports the
lower one is there, `dstport` if they are the same, and always that of refused records; the
other is NULL. `first_start` and `last_start` are those of the records. Records without traffic
are in no sum.
"""


def companion_of(path: str, commit_id: int) -> str:
    """Return the path, inside the store, of the companion of a data file that a commit writes.

    One that is written by the commit of the data file has its name.
    """
    folder, _, name = path.removeprefix(FLOWS.folder).rpartition("/")
    number = f"{commit_id:08}"
    return f"{HOURLY}{folder}/{name if name.startswith(f'{number}-') else f'{number}{_OF}{name}'}"


def owner_of(path: str) -> str:
    """Return the path of the data file whose companion this is."""
    folder, _, name = path.removeprefix(HOURLY).rpartition("/")
    return f"{FLOWS.folder}{folder}/{name.rpartition(_OF)[2]}"


def orphans(files: Iterable[FileRow]) -> list[FileRow]:
    """Return the companions, among some files, whose data file is not among them, or has a later one."""
    rows = list(files)
    data = {row.path for row in rows if row.kind == FLOWS.kind}
    newest = {owner_of(row.path): row.path for row in _companions(rows)}
    return [
        row
        for row in _companions(rows)
        if owner_of(row.path) not in data or newest[owner_of(row.path)] != row.path
    ]


def unsummed(files: Iterable[FileRow]) -> list[FileRow]:
    """Return the data files of flows, among some files, that have no companion there."""
    rows = list(files)
    summed = summed_paths(rows)
    return [row for row in rows if row.kind == FLOWS.kind and row.path not in summed]


def summed_paths(files: Iterable[FileRow]) -> set[str]:
    """Return the paths of the data files whose companions are among some files."""
    return {owner_of(row.path) for row in _companions(files)}


def _companions(files: Iterable[FileRow]) -> list[FileRow]:
    return sorted((row for row in files if row.kind == HOURLY), key=lambda row: row.commit_id)
