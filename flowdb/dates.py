"""Records cut by the date that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number
from flowdb.datasets import dataset_of

__all__ = ["by_date", "date_folder"]

_DAY = 86_400_000


def date_folder(day: date, records: pa.Table) -> str:
    """Return the folder, inside the store, of records of a date."""
    return f"{dataset_of(records.column_names).folder}/date={day.isoformat()}"


def by_date(records: pa.Table, delivered: datetime) -> Iterator[tuple[date, pa.Table]]:
    """Yield the records of each UTC date, in their order.

    The date is that of the start; of the end when there is no start, or when the two lie more
    than a day apart (an aggregation window has ten minutes at most, so the start has lost or
    gained a digit); of the delivery when there is neither.
    """
    start = records["start_time"].cast(pa.int64()) if "start_time" in records.column_names else None
    end = records["end_time"].cast(pa.int64()) if "end_time" in records.column_names else None
    moments = start if start is not None else end
    outermost = _outermost(moments)
    if start is not None and end is not None:
        if _may_lie_apart(outermost, _outermost(end)):
            apart = pc.greater(pc.abs(pc.subtract(end, start)), number(_DAY))
            moments, outermost = pc.if_else(pc.fill_null(apart, False), end, start), None
        if start.null_count:
            moments, outermost = pc.coalesce(moments, end), None
    otherwise = int(delivered.timestamp() * 1000)
    if moments is None:
        yield _date(otherwise // _DAY), records
        return
    if moments.null_count:
        moments, outermost = pc.fill_null(moments, number(otherwise)), None
    outermost = outermost or _outermost(moments)
    if outermost is None:
        return
    first, last = outermost[0] // _DAY, outermost[1] // _DAY
    if first == last:
        yield _date(first), records
        return
    days = pc.divide(moments, number(_DAY))
    for day in sorted(pc.unique(days).to_pylist()):
        yield _date(day), records.filter(pc.equal(days, number(day)))


def _outermost(moments: pa.ChunkedArray | None) -> tuple[int, int] | None:
    """Return the first and the last of some moments."""
    if moments is None:
        return None
    bounds = pc.min_max(moments).as_py()
    return None if bounds["min"] is None else (bounds["min"], bounds["max"])


def _may_lie_apart(starts: tuple[int, int] | None, ends: tuple[int, int] | None) -> bool:
    """Tell whether some start and some end may lie more than a day apart, by the outermost ones."""
    if starts is None or ends is None:
        return False
    return max(ends[1] - starts[0], starts[1] - ends[0]) > _DAY


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, UTC).date()
