"""Tells which of many files are to become one, so that no row is written too often."""

from __future__ import annotations

from collections.abc import Sequence

from flowdb.rows import FileRow

__all__ = ["small_ones"]

_RATIO = 2


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
