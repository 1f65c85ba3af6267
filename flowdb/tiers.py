"""Tells which files are to become one, so that there are few of them and no row is written too often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flowdb.datasets import DATASETS
from flowdb.rows import QUARANTINE, FileRow

__all__ = ["Group", "crowded", "small_ones", "uncompacted"]

Group = list[FileRow]
"""Files of one date and one schema."""
_RATIO = 2
# A sorted file of so many records is left alone, however many others its date has.
_GOOD_SIZE = 4_000_000
# After an ingest, a date that it added to may have so many files, and any other so many.
_MOST_FILES = 16
_MOST_SETTLED = 4
# A date to which so many commits added nothing, and that has few records, has one file: to write it
# takes less time than to list one file more in the views of every commit to come.
_QUIET_COMMITS = 20
_FEW_RECORDS = 50_000


def small_ones(files: Sequence[FileRow]) -> list[FileRow]:
    """Return the files that are small beside the others taken together, largest first.

    A file is left alone where it has at least twice the rows of all smaller ones: what remains
    when the others have become one is a row of files each twice the next, so their number
    grows with the logarithm of their rows, and so does how often a row is written.
    """
    ordered = sorted(files, key=lambda row: (-row.records, row.path))
    rest = sum(row.records for row in ordered)
    for number, row in enumerate(ordered):
        rest -= row.records
        if row.records < _RATIO * rest:
            return ordered[number:]
    return []


def crowded(commit_id: int) -> Callable[[Iterable[FileRow]], list[Group]]:
    """Return what chooses the files of dates that have too many of them after a commit."""

    def choose(files: Iterable[FileRow]) -> list[Group]:
        groups = []
        for group in _grouped(files):
            quiet = commit_id - max(row.commit_id for row in group)
            if quiet == 0:
                groups.append(small_ones(group) if len(group) > _MOST_FILES else [])
            elif quiet >= _QUIET_COMMITS and sum(row.records for row in group) <= _FEW_RECORDS:
                groups.append(group if len(group) > 1 else [])
            else:
                groups.append(_worth_it(group) if len(group) > _MOST_SETTLED else [])
        return [group for group in groups if group]

    return choose


def uncompacted(files: Iterable[FileRow]) -> list[Group]:
    """Return, of each date, the files that are small beside the others or not sorted yet."""
    return [chosen for group in _grouped(files) if (chosen := _worth_it(group))]


def _grouped(files: Iterable[FileRow]) -> list[Group]:
    """Return the files that can become one, without those that have a good size already."""
    groups: dict[tuple[object, ...], Group] = {}
    kinds = {QUARANTINE, *(dataset.kind for dataset in DATASETS)}
    for row in files:
        if row.kind in kinds and not (row.is_sorted and row.records >= _GOOD_SIZE):
            groups.setdefault((row.kind, row.date, row.version, row.extra, row.only_action), []).append(row)
    return list(groups.values())


def _worth_it(group: Group) -> Group:
    """Return the files that are small beside the others or not sorted yet, and all that are smaller."""
    ordered = sorted(group, key=lambda row: (-row.records, row.path))
    small = {row.path for row in small_ones(ordered)}
    first = next((n for n, row in enumerate(ordered) if row.path in small or not row.is_sorted), len(ordered))
    return ordered[first:]
