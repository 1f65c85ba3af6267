"""The kinds of charts that there are: over time, bars, heat maps, and what interfaces logged.

Nothing of a log becomes part of an expression: fields have fixed names, and every text is data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flowdb.chart_parts import (
    COLOURS,
    by_total,
    colour_of,
    coloured,
    iso,
    labels,
    lasting,
    measure_axis,
    moment_of,
    said,
    scale_of,
    text_of,
    time_axis,
    tip,
    titled,
)
from flowdb.units import Unit, readable, unit_of

if TYPE_CHECKING:
    import altair as alt

__all__ = ["Rows", "bars", "grid", "keys_of", "matrix", "states", "timeline"]

_MOST_BARS = 15
_MOST_OF_MATRIX = 14
_STEP = 22
_HIGH = 180
# Columns that say nothing of what a row is about, but who saw it and how much it matters.
_BESIDE = ("interface_id", "severity")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a result, or its first ones, with the names and DuckDB's types of its columns."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.names) for row in self.rows):
            raise ValueError("a row has other cells than there are names")

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def only(self, names: Sequence[str]) -> Rows:
        """Return some of the columns."""
        places = [self.names.index(name) for name in names]
        types = tuple(self.types[place] for place in places)
        return Rows(tuple(names), types, [[row[place] for place in places] for row in self.rows])

    def unit(self, name: str) -> Unit | None:
        """Return what the numbers of a column are of; None for what is no number."""
        return unit_of(name, self.types[self.names.index(name)])


def timeline(rows: Rows, series: Sequence[str], *, moment: str = "moment") -> alt.Chart:
    """Return columns over time, stacked; a row lasts as long as the shortest time between two."""
    import altair as alt

    moments = [moment_of(value) for value in rows.column(moment)]
    ends = lasting(moments)
    columns = {name: rows.column(name) for name in series}
    unit = rows.unit(series[0]) or Unit.NUMBER
    totals = [sum(values[n] or 0 for values in columns.values()) for n in range(len(moments))]
    divisor, axis = scale_of(unit, max(totals, default=0))
    data = []
    known = [start for start in ends if start is not None]
    # The axis reaches over all of them, also where nothing is to be seen at its ends.
    outermost = {min(known), max(known)} if known else set()
    for n, start in enumerate(moments):
        below, end = 0.0, ends.get(start)
        for name, values in columns.items():
            value = values[n] or 0
            if (value or start in outermost) and start is not None and end is not None:
                data.append(
                    {
                        "start": iso(start),
                        "end": iso(end),
                        "low": below / divisor,
                        "high": (below + value) / divisor,
                        "series": said(name),
                        "when": f"{start:%Y-%m-%d %H:%M}",
                        "text": readable(str(value), unit),
                    }
                )
            below += value
    drawn: alt.Chart = (
        _chart(data, _HIGH)
        .mark_bar(aria=False)
        .encode(
            x=alt.X("start:T", title=None, scale=alt.Scale(type="utc"), axis=time_axis(moments)),
            x2="end:T",
            y=alt.Y("low:Q", title=titled(series, unit, axis), axis=measure_axis(unit)),
            y2="high:Q",
            color=coloured(series),
            tooltip=[tip("when", "UTC"), tip("series", "what"), tip("text", unit.value)],
        )
    )
    return drawn


def bars(
    rows: Rows, measures: Sequence[str], *, keys: Sequence[str] = (), meaning: str = ""
) -> alt.Chart | None:
    """Return a bar for each of the first rows, of one measure or of several that are stacked."""
    import altair as alt

    called = labels({key: rows.column(key) for key in keys or keys_of(rows)})
    unit = rows.unit(measures[0]) or Unit.NUMBER
    columns = {name: rows.column(name) for name in measures}
    kept = [n for n in range(len(called)) if any(values[n] is not None for values in columns.values())][
        :_MOST_BARS
    ]
    largest = max((abs(sum(values[n] or 0 for values in columns.values())) for n in kept), default=0)
    divisor, axis = scale_of(unit, largest)
    data = [
        {
            "key": called[n],
            "value": float(values[n] or 0) / divisor,
            "series": said(name),
            "place": place,
            "text": readable(str(values[n] or 0), unit),
            "said": f"{called[n]}: {readable(str(values[n] or 0), unit)}",
        }
        for n in kept
        for place, (name, values) in enumerate(columns.items())
    ]
    if not data:
        return None
    drawn: alt.Chart = (
        _chart(data, _STEP * len(kept))
        .mark_bar(cornerRadiusEnd=2, height={"band": 0.72})
        .encode(
            x=alt.X("value:Q", title=titled(measures, unit, axis), axis=measure_axis(unit)),
            y=alt.Y("key:N", title=None, sort=None, axis=alt.Axis(domain=False, ticks=False)),
            color=coloured(measures, meaning),
            order=alt.Order("place:Q") if len(measures) > 1 else alt.Undefined,
            description="said:N",
            tooltip=[
                tip("key", "what"),
                *([tip("series", "of")] if len(measures) > 1 else []),
                tip("text", unit.value),
            ],
        )
    )
    return drawn


def grid(
    rows: Rows,
    across: str,
    down: str,
    measure: str,
    *,
    meaning: str = "accepted",
    lasts: timedelta | None = None,
) -> alt.Chart | None:
    """Return a heat map: the more of a measure, the stronger its colour; `across` may be time."""
    import altair as alt

    places, lines, values = rows.column(across), list(map(text_of, rows.column(down))), rows.column(measure)
    unit = rows.unit(measure) or Unit.NUMBER
    divisor, axis = scale_of(unit, max((value or 0 for value in values), default=0))
    is_time = all(isinstance(place, date) for place in places)
    ends = lasting(map(moment_of, places), lasts) if is_time else {}
    data = [
        {
            "x": iso(moment_of(place)) if is_time else text_of(place),
            "end": iso(ends.get(moment_of(place))) if is_time else "",
            "y": line,
            "value": float(value or 0) / divisor,
            "when": f"{place:%Y-%m-%d %H:%M}" if is_time else text_of(place),
            "text": readable(str(value or 0), unit),
        }
        for place, line, value in zip(places, lines, values, strict=True)
    ]
    if not data:
        return None
    if is_time:
        x = alt.X("x:T", title=None, scale=alt.Scale(type="utc"), axis=time_axis(ends))
        encodings = {"x": x, "x2": alt.X2("end:T")}
    else:
        above = alt.Axis(orient="top", ticks=False, domain=False)
        encodings = {
            "x": alt.X(
                "x:O",
                title=said(across),
                sort=by_total(data, "x"),
                axis=above,
                scale=alt.Scale(paddingInner=0.05),
            )
        }
    legend = alt.Legend(
        orient="top", format="~s", symbolFillColor=COLOURS[meaning], symbolStrokeWidth=0, symbolType="square"
    )
    drawn: alt.Chart = (
        _chart(data, _STEP * len(set(lines)))
        .mark_rect(aria=False, color=COLOURS[meaning])
        .encode(
            **encodings,
            y=alt.Y(
                "y:N",
                title=None if is_time else said(down),
                sort=by_total(data, "y"),
                scale=alt.Scale(paddingInner=0.05),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            opacity=alt.Opacity(
                "value:Q",
                title=titled([measure], unit, axis),
                scale=alt.Scale(type="sqrt", domainMin=0, range=[0.06, 1]),
                legend=legend,
            ),
            tooltip=[
                tip("when", "UTC" if is_time else said(across)),
                tip("y", said(down)),
                tip("text", said(measure)),
            ],
        )
    )
    return drawn


def matrix(
    rows: Rows, across: str, down: str, measure: str, *, most: int = _MOST_OF_MATRIX
) -> alt.Chart | None:
    """Return a heat map of pairs: of those that have both ends, the ends with the greatest sums."""
    cells = [
        (first, second, amount or 0)
        for first, second, amount in zip(*map(rows.column, (across, down, measure)), strict=True)
        if first is not None and second is not None
    ]
    data = [{across: first, down: second, "value": amount} for first, second, amount in cells]
    columns, lines = (set(by_total(data, key)[:most]) for key in (across, down))
    kept = [cell for cell in cells if cell[0] in columns and cell[1] in lines]
    kind = rows.types[rows.names.index(measure)]
    return grid(Rows((across, down, measure), ("VARCHAR", "VARCHAR", kind), kept), across, down, measure)


def states(rows: Rows) -> alt.Chart:
    """Return what every interface logged, hour for hour, as `coverage` tells it."""
    import altair as alt

    data = [
        {
            "x": iso(hour),
            "end": iso(hour + timedelta(hours=hours)),
            "y": interface or "(none)",
            "state": state,
            "when": f"{hour:%Y-%m-%d %H:%M}",
            "text": f"{hours:,} h",
        }
        for hour, hours, interface, state in zip(
            *map(rows.column, ("hour", "hours", "interface_id", "state")), strict=True
        )
        if hour is not None and hour.year < datetime.max.year
    ]
    known = ("traffic", "no traffic", "skipped", "no logs", "unread")
    seen = [state for state in known if state in {one["state"] for one in data}]
    drawn: alt.Chart = (
        _chart(data, _STEP * len({one["y"] for one in data}))
        .mark_rect(aria=False, height={"band": 0.8})
        .encode(
            x=alt.X("x:T", title=None, scale=alt.Scale(type="utc"), axis=time_axis(rows.column("hour"))),
            x2="end:T",
            y=alt.Y("y:N", title=None, axis=alt.Axis(ticks=False, domain=False)),
            color=alt.Color(
                "state:N",
                title=None,
                scale=alt.Scale(domain=seen, range=[colour_of(state) for state in seen]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                tip("y", "interface"),
                tip("when", "UTC"),
                tip("state", "state"),
                tip("text", "for"),
            ],
        )
    )
    return drawn


def keys_of(rows: Rows) -> list[str]:
    """Return the leading columns that name what a row is about."""
    keys: list[str] = []
    for name, kind in zip(rows.names, rows.types, strict=True):
        if kind not in ("VARCHAR", "DATE") and unit_of(name, kind) is not Unit.LABEL:
            break
        keys.append(name)
    # What a row is about is not the interface that saw it, unless it is about nothing else.
    return [name for name in keys if name not in _BESIDE] or keys or list(rows.names[:1])


def _chart(data: list[dict[str, Any]], height: int) -> alt.Chart:
    """Return a chart of data, as wide as its place is."""
    import altair as alt

    fitted = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.Chart(alt.InlineData(values=data), width="container", height=height, autosize=fitted)
