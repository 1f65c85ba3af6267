"""Draws the answer of an analysis in characters: lines over time, or bars.

What is drawn follows from the columns: lines where the first is a time and no other one is a
key; bars else, of what the rows are ranked by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from flowdb.errors import UsageError
from flowdb.look import Look, cells_of, console
from flowdb.nearest import meant
from flowdb.output import fetched
from flowdb.tables import bar
from flowdb.units import Unit, is_time, readable, unit_of

if TYPE_CHECKING:
    import duckdb

__all__ = ["plotted"]

_WIDTH = 80  # where there is no terminal
_MOST_ROWS = 100_000
_MOST_BARS = 100
_LEAST_BAR = 10
_COLORS = ("blue", "green", "magenta", "cyan", "orange", "gray", "white")
# One line can be told from another without colours.
_MARKS = ("braille", "x", "o", "+", "*", "#", "%")
_ASCII_MARKS = ("*", "x", "o", "+", "#", "%", "=")
_ASCII_FRAME = str.maketrans("┌┐└┘─│┤├┬┴┼", "+++++|++++++".replace("+|", "-|", 1)[:11])


@dataclass(frozen=True, slots=True)
class _Answer:
    names: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[str | None]]

    def units(self) -> list[Unit | None]:
        """Return what each column measures, None for what is a key or a time."""
        found = [unit_of(name, kind) for name, kind in zip(self.names, self.types, strict=True)]
        return [None if unit is Unit.LABEL else unit for unit in found]

    def numbers(self, column: int) -> list[float | None]:
        """Return the numbers of a column; None for what is none."""
        values = [None if row[column] is None else float(row[column] or 0) for row in self.rows]
        return [None if value is None or not isfinite(value) else value for value in values]


def plotted(
    name: str,
    result: duckdb.DuckDBPyRelation,
    look: Look,
    *,
    columns: Sequence[str] = (),
    metric: object = None,
    height: int = 18,
) -> tuple[str, list[str]]:
    """Return the picture of an answer, and remarks on it.

    `columns` are those to draw, `metric` is the one by which the analysis ranks, if it says so.
    Raises `UsageError` for a column that is not there, or has no numbers.
    """
    answer = _Answer(*fetched(result, _MOST_ROWS))
    units = answer.units()
    is_series = is_time(answer.types[0]) and not any(
        unit is None and not is_time(kind) for unit, kind in zip(units, answer.types, strict=True)
    )
    chosen = _chosen(name, answer, units, columns, metric, is_series)
    if not answer.rows:
        return "", [f"{name} has no rows to draw"]
    if is_series:
        return _lines(name, answer, chosen, look, height), []
    remarks = [f"the first {_MOST_BARS} rows"] if len(answer.rows) > _MOST_BARS else []
    if len(chosen) > 1:
        raise UsageError(f"{name}: bars are of one column; {len(chosen)} are given")
    shown = _Answer(answer.names, answer.types, answer.rows[:_MOST_BARS])
    return _bars(shown, chosen[0], units, look), remarks


def _chosen(
    name: str,
    answer: _Answer,
    units: Sequence[Unit | None],
    columns: Sequence[str],
    metric: object,
    is_series: bool,
) -> list[int]:
    """Return which columns are drawn; they are of one unit."""
    measured = [n for n, unit in enumerate(units) if unit is not None]
    if not measured:
        raise UsageError(f"{name} has no numbers to draw")
    known = {answer.names[n]: n for n in measured}
    for column in columns:
        if column not in known:
            raise UsageError(
                f"{name}: no column {column!r} to draw{meant(column, known)}; there are: {', '.join(known)}"
            )
    if columns:
        chosen = [known[column] for column in dict.fromkeys(columns)]
        if len({units[n] for n in chosen}) > 1:
            raise UsageError(f"{name}: {', '.join(columns)} are not of one kind; draw them one by one")
        return chosen
    if is_series:
        unit = Unit.BYTES if Unit.BYTES in units else units[measured[0]]
        return [n for n in measured if units[n] is unit][: len(_COLORS)]
    if metric in known:
        return [known[str(metric)]]
    return [next((n for n in measured if _is_ranked(answer.numbers(n))), measured[0])]


def _is_ranked(numbers: Sequence[float | None]) -> bool:
    """Tell whether numbers fall from the first to the last."""
    there = [number for number in numbers if number is not None]
    return len(set(there)) > 1 and there == sorted(there, reverse=True)


def _bars(answer: _Answer, column: int, units: Sequence[Unit | None], look: Look) -> str:
    """Return a bar for each row, behind its keys and its number."""
    from rich.table import Table
    from rich.text import Text

    first = next(n for n, unit in enumerate(units) if unit is not None)
    keys = [n for n in range(first) if not is_time(answer.types[n])] or list(range(first))
    numbers = answer.numbers(column)
    most = max((abs(number) for number in numbers if number is not None), default=0) or 1
    unit = units[column]
    assert unit is not None
    said = ["" if row[column] is None else readable(str(row[column]), unit) for row in answer.rows]
    labels = [
        " ".join("-" if row[n] is None else look.text(str(row[n])) for n in keys) for row in answer.rows
    ]
    width = look.width or _WIDTH
    header = look.text(answer.names[column])
    widest = max(cells_of(header), *map(cells_of, said))
    room = max(width - widest - _LEAST_BAR - 4, 8)
    label = min(
        max(cells_of(look.text(" ".join(answer.names[n] for n in keys))), *map(cells_of, labels)), room
    )
    length = max(width - label - widest - 4, _LEAST_BAR)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(Text(" ".join(answer.names[n] for n in keys)), width=label, overflow="fold")
    table.add_column(Text(header), justify="right", width=widest)
    table.add_column("", width=length, no_wrap=True)
    for name, value, number in zip(labels, said, numbers, strict=True):
        is_refused = "REJECT" in name.split()
        drawn = bar(abs(number or 0) / most, length, look)
        table.add_row(Text(name), Text(value), Text(drawn, style="red" if is_refused else "blue"))
    board = console(_nowhere(look), look)
    board.width = max(width, label + widest + length + 4)
    with board.capture() as captured:
        board.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _lines(name: str, answer: _Answer, chosen: Sequence[int], look: Look, height: int) -> str:
    """Return columns as lines over the time of the first one."""
    import plotext

    plt: Any = plotext
    moments = [_moment(row[0]) for row in answer.rows]
    unit = answer.units()[chosen[0]]
    assert unit is not None
    plt.clear_figure()
    plt.theme("clear")
    plt.plotsize(look.width or _WIDTH, height)
    marks = _ASCII_MARKS if look.is_ascii else _MARKS
    most = 0.0
    for order, column in enumerate(chosen):
        points = [
            (when.timestamp(), number)
            for when, number in zip(moments, answer.numbers(column), strict=True)
            if when is not None and number is not None
        ]
        points.sort()
        most = max([most, *(number for _, number in points)])
        is_refused = answer.names[column].startswith(("refused", "rejected"))
        style = {"color": "red" if is_refused else _COLORS[order]} if look.is_colored else {}
        plt.plot(
            [when for when, _ in points],
            [number for _, number in points],
            marker=marks[0] if look.is_colored and not look.is_ascii else marks[order],
            label=look.text(answer.names[column]) if len(chosen) > 1 else None,
            **style,
        )
    there = sorted(when for when in moments if when is not None)
    if there:
        places = _spread(there, max((look.width or _WIDTH) // 20, 2))
        plt.xticks([when.timestamp() for when in places], _said(places))
    steps = [most * step / 4 for step in range(5)] if most else [0.0]
    whole = unit is Unit.COUNT
    plt.yticks(steps, [readable(str(round(step) if whole else step), unit) for step in steps])
    plt.ylim(0, most or 1)
    title = f"{name}: {', '.join(look.text(answer.names[column]) for column in chosen)}"
    picture = plt.build()
    if not look.is_colored:
        picture = plt.uncolorize(picture)
    if look.is_ascii:
        picture = picture.translate(_ASCII_FRAME)
    return "".join(f"{line.rstrip()}\n" for line in [title, *picture.splitlines()])


def _moment(text: str | None) -> datetime | None:
    """Return a time as DuckDB writes it; None for one that is before or after all times of Python."""
    try:
        return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _spread(moments: Sequence[datetime], count: int) -> list[datetime]:
    """Return so many of the moments, from the first to the last, with about the same time between."""
    first, last = moments[0], moments[-1]
    wanted = [first + (last - first) * n / (count - 1) for n in range(count)]
    return list(dict.fromkeys(min(moments, key=lambda one: abs(one - when)) for when in wanted))


def _said(moments: Sequence[datetime]) -> list[str]:
    """Return moments as text, without what is the same for all of them but in the first."""
    if all((one.hour, one.minute, one.second) == (0, 0, 0) for one in moments):
        return [f"{one:%Y-%m-%d}" for one in moments]
    if len({one.date() for one in moments}) == 1:
        return [f"{moments[0]:%Y-%m-%d %H:%M}", *(f"{one:%H:%M}" for one in moments[1:])]
    return [f"{one:%m-%d %H:%M}" for one in moments]


def _nowhere(look: Look) -> Any:
    """Return a stream of an encoding, on which nothing is written."""
    import io

    return io.TextIOWrapper(io.BytesIO(), encoding=look.encoding)
