"""What charts say and how: the names of rows and columns, colours by meaning, axes and their units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flowdb.look import printable
from flowdb.units import Unit

if TYPE_CHECKING:
    import altair as alt

__all__ = [
    "COLOURS",
    "by_total",
    "colour_of",
    "coloured",
    "iso",
    "labels",
    "lasting",
    "measure_axis",
    "moment_of",
    "said",
    "scale_of",
    "text_of",
    "time_axis",
    "tip",
    "titled",
]

COLOURS = {
    "accepted": "#2f7fc1",
    "refused": "#d55e00",
    "other": "#868e99",
    "second": "#12977a",
    "warning": "#b8860b",
}
"""The colours by what they mean: they can be told apart with any sight, and on white and on black."""
_MEANINGS = {
    "refused": ("refused", "rejected", "rejected_bytes", "no logs"),
    "second": ("bytes_down", "bytes_to_client", "bytes_b_to_a", "bytes_received", "bytes_out"),
    "warning": ("skipped", "skipdata", "unread"),
    "other": ("no traffic", "nodata"),
}
_TARGETS = ("dstaddr", "peer", "server", "addr_b", "destination", "destination_zone")
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_STEPS = {
    Unit.BYTES: tuple(
        (1024**power, f"{name}B") for power, name in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi"))
    ),
    Unit.BITS: tuple((1000**power, f"{name}bit/s") for power, name in enumerate(("", "k", "M", "G", "T"))),
    Unit.SECONDS: ((1, "seconds"), (60, "minutes"), (3600, "hours"), (86_400, "days")),
}
_FORMATS = {Unit.SHARE: "~%", Unit.COUNT: "~s", Unit.DOLLARS: "$,.3~r"}
_ALONE = {Unit.DOLLARS: "US dollars"}
_WHOLES = {Unit.BYTES: "bytes", Unit.BITS: "rate"}
# Vega looks groups up by name in plain objects of JavaScript, which have these already.
_OF_OBJECTS = (
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
    "__proto__",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
)
_WORDS = {
    "accepted_bytes": "accepted",
    "rejected_bytes": "refused",
    "rejected": "refused",
    "srcaddr": "source",
    "dstaddr": "destination",
    "dstport": "port",
}


def labels(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return what each row is called by its keys: `10.0.0.1 → 10.0.0.2 :443 tcp`; no two the same."""
    seen: Counter[str] = Counter()
    found = []
    for cells in zip(*columns.values(), strict=True):
        label = ""
        for key, cell in zip(columns, cells, strict=True):
            if cell is None or cell == "":
                continue
            word = text_of(cell)
            if key == "protocol":
                word = _PROTOCOLS.get(cell, f"protocol {cell}")
            elif key.endswith("port") and label:
                word = f":{word}"
            label += f" → {word}" if label and key in _TARGETS else f" {word}" if label else word
        label = label or "(none)"
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found


def by_total(data: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    """Return the values of a key, those with the greatest totals first."""
    totals: Counter[str] = Counter()
    for one in data:
        totals[one[key]] += one["value"]
    return [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]


def lasting(
    moments: Iterable[datetime | None], lasts: timedelta | None = None
) -> dict[datetime | None, datetime | None]:
    """Return until when what begins at each moment lasts: if not told, the shortest time between two."""
    known = sorted({moment for moment in moments if moment is not None and moment.year < datetime.max.year})
    steps = (later - earlier for earlier, later in pairwise(known))
    step = lasts or min(steps, default=timedelta(hours=1))
    return {moment: moment + step for moment in known} | {None: None}


def coloured(names: Sequence[str], meaning: str = "") -> Any:
    """Return the colour of one measure, or of each of several, with a legend."""
    import altair as alt

    if len(names) == 1:
        return alt.value(COLOURS[meaning] if meaning else colour_of(names[0]))
    scale = alt.Scale(domain=[*map(said, names)], range=[*map(colour_of, names)])
    return alt.Color("series:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def colour_of(name: str) -> str:
    """Return the colour of what has this name."""
    return COLOURS[next((meaning for meaning, names in _MEANINGS.items() if name in names), "accepted")]


def time_axis(moments: Iterable[datetime | None]) -> alt.Axis:
    """Return an axis of time in UTC, with as many marks as there is room for."""
    import altair as alt

    known = [moment for moment in moments if moment is not None]
    year = " %Y" if known and max(known).year != min(known).year else ""
    day = f"utcFormat(datum.value, '%-d %b{year}')"
    is_midnight = "utchours(datum.value) == 0 && utcminutes(datum.value) == 0"
    return alt.Axis(
        labelExpr=f"{is_midnight} ? {day} : utcFormat(datum.value, '%H:%M')",
        labelOverlap=True,
        tickCount={"expr": "max(2, width / 90)"},
        grid=False,
    )


def scale_of(unit: Unit, most: float) -> tuple[float, str]:
    """Return by what to divide numbers up to `most` on an axis, and what they are called there."""
    steps = _STEPS.get(unit, ((1, _ALONE.get(unit, "")),))
    return next((step for step in reversed(steps) if most >= step[0]), steps[0])


def measure_axis(unit: Unit) -> alt.Axis:
    """Return an axis of a measure."""
    import altair as alt

    return alt.Axis(
        format=_FORMATS.get(unit, ",.3~f"),
        tickCount={"expr": "max(2, min(6, width / 80))"},
        domain=False,
        ticks=False,
    )


def titled(names: Sequence[str], unit: Unit, axis: str) -> str:
    """Return the title of what is measured: its name, or what two parts have in common, and its unit."""
    what = said(names[0]) if len(names) == 1 else _WHOLES.get(unit, "records")
    return f"{what} ({axis})" if axis else what


def tip(field: str, title: str) -> alt.Tooltip:
    """Return a line of a tooltip, of a field that is a text."""
    import altair as alt

    return alt.Tooltip(f"{field}:N", title=title)


def said(name: str) -> str:
    """Return the name of a column as words."""
    return _WORDS.get(name, name.replace("_", " "))


def text_of(value: object) -> str:
    """Return a cell as text that can be shown, and by which a chart can group its marks."""
    if value is None:
        return "(none)"
    text = printable(str(value))
    return f"{text}\u00a0" if text in _OF_OBJECTS else text


def moment_of(value: Any) -> datetime | None:
    """Return a time, or the midnight of a date; None for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value if isinstance(value, datetime) else None


def iso(moment: datetime | None) -> str | None:
    """Return a time as JavaScript reads it."""
    return None if moment is None else f"{moment.isoformat()}Z"
