"""Draws what an analysis answers, as Vega-Lite through Altair: what its columns are tells what to draw."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from flowdb import extras
from flowdb.chart_marks import Rows, bars, keys_of, states, timeline
from flowdb.chart_parts import labels, said
from flowdb.errors import UsageError
from flowdb.units import Unit, readable

if TYPE_CHECKING:
    import altair as alt
    import duckdb

__all__ = ["MOST_ROWS", "chart", "draw", "fetched", "require", "summary"]

MOST_ROWS = 1000
"""How many rows of a result are looked at for a chart."""
_PAIRS = {
    "bytes": (
        ("bytes_up", "bytes_down"),
        ("bytes_to_server", "bytes_to_client"),
        ("bytes_a_to_b", "bytes_b_to_a"),
    ),
    "flows": (("accepted", "rejected"),),
}
_SERIES = (("accepted_bytes", "rejected_bytes"), ("accepted", "refused"), ("skipdata", "nodata"))
_MEASURES = {
    "accepted_after_reject": "refused_before",
    "beacons": "score",
    "bursts": "peak_bps",
    "compare_periods": "change",
    "coverage": "hours",
    "diagnose_acl": "attempts",
    "duplicate_records": "repeated",
    "ephemeral_ports": "used_share",
    "exfiltration": "times_average",
    "fan_out": "destinations",
    "formats_seen": "records",
    "guess_os": "connections",
    "late_records": "p95_seconds",
    "port_exhaustion": "used_share",
    "port_scan": "tried",
    "public_exposure": "sources",
    "unanswered": "unanswered",
}
_KEYS = {
    "coverage": ("interface_id", "state", "hour"),
    "duplicate_records": ("scope",),
    "ephemeral_ports": ("addr", "protocol"),
    "formats_seen": ("version", "fields"),
    "port_exhaustion": ("addr", "peer", "port", "protocol"),
    "rejects": ("srcaddr", "dstaddr", "dstport", "protocol"),
}
_OF_REFUSALS = ("rejected_ports", "rejected_sources", "rejects", "rejects_by", "port_probes", "diagnose_acl")
_TIMES = ("moment", "hour")
_PREFERRED = ("attempts", "bytes", "dollars", "score", "flows")


def require(what: str, *modules: str) -> None:
    """Raise `UsageError` where libraries that something needs are not installed."""
    extras.require(what, "report", "altair", *modules)


def fetched(result: duckdb.DuckDBPyRelation, most: int = MOST_ROWS) -> Rows:
    """Fetch the first rows of a result; a number for which JSON has no word is None."""
    rows = [
        tuple(None if isinstance(cell, float) and not isfinite(cell) else cell for cell in row)
        for row in result.limit(most).fetchall()
    ]
    return Rows(tuple(result.columns), tuple(map(str, result.types)), rows)


def chart(result: duckdb.DuckDBPyRelation, analysis: str = "") -> alt.Chart:
    """Return a chart of what an analysis answered, or any other query whose columns have such names.

    Raises `UsageError` where there is nothing to draw: no rows, or no numbers.
    """
    require("a chart")
    found = draw(fetched(result), analysis)
    if found is None:
        raise UsageError(
            f"{analysis or 'the result'}: there is nothing to draw: it has no rows, or no numbers"
        )
    return found


def draw(rows: Rows, analysis: str = "") -> alt.Chart | None:
    """Return the chart that fits the columns, or None where there is nothing to draw."""
    names = rows.names
    if not rows.rows:
        return None
    if {"hour", "hours", "state", "interface_id"} <= set(names):
        return states(rows)
    moment = next((name for name in _TIMES if name == names[0]), None)
    if moment:
        pair = next((pair for pair in _SERIES if set(pair) <= set(names)), None)
        measure = pair or _measured(rows, analysis)
        return timeline(rows, measure, moment=moment) if measure else None
    measure = _measured(rows, analysis)
    meaning = "refused" if analysis in _OF_REFUSALS else ""
    return bars(rows, measure, keys=_KEYS.get(analysis, ()), meaning=meaning) if measure else None


def _measured(rows: Rows, analysis: str) -> tuple[str, ...]:
    """Return the columns to draw: that by which the rows are in order, and its parts if it has some."""
    wanted = _MEASURES.get(analysis)
    names = [
        name for name in rows.names if rows.unit(name) not in (None, Unit.LABEL) and any(rows.column(name))
    ]
    if not names:
        return ()
    if wanted not in names:
        ordered = [name for name in names if _is_descending(rows.column(name))]
        preferred = [name for name in _PREFERRED if name in (ordered or names)]
        wanted = [*preferred, *ordered, *names][0]
    parts = next((pair for pair in _PAIRS.get(wanted, ()) if set(pair) <= set(names)), None)
    return parts or (wanted,)


def summary(rows: Rows, analysis: str = "") -> str:
    """Return what the first row is about and what was measured of it, in words; nothing without a row."""
    if not rows.rows:
        return ""
    first = Rows(rows.names, rows.types, rows.rows[:1])
    label = labels({key: first.column(key) for key in _KEYS.get(analysis) or keys_of(first)})[0]
    measures = _measured(rows, analysis)[:1]
    said_of = [
        f"{said(name)} {readable(str(first.column(name)[0] or 0), rows.unit(name) or Unit.NUMBER)}"
        for name in measures
    ]
    return ", ".join([label, *said_of])


def _is_descending(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return all(first >= second for first, second in pairwise(known))
