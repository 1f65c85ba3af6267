"""Draws rows as a table that fits: a person reads its numbers with their units, and no row is broken.

Where there is not room for all columns, first bars go, then names are folded, then long texts, and at
last columns are left out, of which the remark tells. Where hardly any would be left, each row is
a list of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flowdb.look import Look, cells_of
from flowdb.units import Unit, is_number, is_time, readable, unit_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["Drawn", "bar", "drawn"]

_GAP = 2
_BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# A text is folded where it is longer, and no shorter than an address.
_LEAST_TEXT = 15
_LEAST_NAME = 6
_REFUSED = ("REJECT", "refused", "rejected")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A table to be printed, and a remark on what it leaves out."""

    table: RenderableType
    remark: str | None = None


@dataclass(slots=True)
class _Column:
    name: str
    header: str
    cells: list[str]
    is_right: bool
    folds: bool
    width: int = 0
    needed: int = 0


def drawn(
    names: Sequence[str],
    types: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    look: Look,
    *,
    upright: bool = False,
) -> Drawn:
    """Return rows of values, as DuckDB writes them, as a table; `upright` has each row as a list."""
    columns = [
        _column(name, kind, [row[n] for row in rows], look)
        for n, (name, kind) in enumerate(zip(names, types, strict=True))
    ]
    if upright and len(rows) == 1:
        return Drawn(_upright(columns, 1, look, is_headed=False))
    if look.width is None:
        return Drawn(_table(columns, look, None))
    bars = None if look.is_raw else _bars(names, types, rows, look)
    room = look.width
    if bars is not None and _fits(columns, room - _BAR - _GAP):
        return Drawn(_table(columns, look, bars))
    for squeeze in (_none, _fold_names):
        squeeze(columns)
        if _fits(columns, room):
            return Drawn(_table(columns, look, bars if _fits(columns, room - _BAR - _GAP) else None))
    _fold_texts(columns, room)
    if _fits(columns, room):
        return Drawn(_table(columns, look, None))
    kept = list(columns)
    while kept and not _fits(kept, room):
        kept.pop()
    if len(kept) * 2 < len(columns):
        return Drawn(_upright(columns, len(rows), look, is_headed=True))
    # What the last ones leave is room for texts again.
    _widen(kept, room)
    left_out = ", ".join(one.header for one in columns[len(kept) :])
    return Drawn(
        _table(kept, look, None),
        f"not shown in {room} columns: {left_out}; -o json has them, and so does a pipe: | less -S",
    )


def bar(share: float, width: int, look: Look) -> str:
    """Return a bar of so many characters, filled to a share."""
    share = min(max(share, 0.0), 1.0)
    if look.is_ascii:
        return "#" * max(round(share * width), 1 if share else 0)
    eighths = max(round(share * width * 8), 1 if share else 0)
    return (_EIGHTHS[-1] * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def _column(name: str, kind: str, values: list[str | None], look: Look) -> _Column:
    unit = None if look.is_raw else unit_of(name, kind)
    cells = [
        "" if value is None else look.text(value) if unit is None else readable(value, unit)
        for value in values
    ]
    header = look.text(name)
    is_right = is_number(kind)
    made = _Column(name, header, cells, is_right, folds=not is_right and not is_time(kind))
    made.needed = max(map(cells_of, cells), default=0)
    made.width = max(cells_of(header), made.needed)
    return made


def _fits(columns: Sequence[_Column], room: int) -> bool:
    return sum(one.width for one in columns) + _GAP * (len(columns) - 1) <= room


def _none(_: Sequence[_Column]) -> None:
    """Leave columns as they are."""


def _fold_names(columns: Sequence[_Column]) -> None:
    """Let the name of a column be on several lines, broken after an underscore."""
    for one in columns:
        parts = re.findall(r"[^_]*_|[^_]+", one.header) or [""]
        one.width = max(one.needed, *map(cells_of, parts))


def _fold_texts(columns: Sequence[_Column], room: int) -> None:
    """Narrow the widest text until all fits, or none can be narrower."""
    while not _fits(columns, room):
        widest = max((one for one in columns if one.folds), key=lambda one: one.width, default=None)
        if widest is None or widest.width <= _LEAST_TEXT:
            return
        widest.width -= 1


def _widen(columns: Sequence[_Column], room: int) -> None:
    """Give texts that are folded what room there is left."""
    for one in columns:
        while one.folds and one.width < one.needed and _fits(columns, room - 1):
            one.width += 1


def _bars(
    names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[str | None]], look: Look
) -> tuple[int, list[str]] | None:
    """Return after which column bars stand, and the bars: of the first that is all shares of a whole."""
    for n, (name, kind) in enumerate(zip(names, types, strict=True)):
        if unit_of(name, kind) is Unit.SHARE:
            shares = [float(row[n] or 0) for row in rows]
            if shares and all(0 <= share <= 1 for share in shares):
                return n, [bar(share, _BAR, look) for share in shares]
    return None


def _folded_name(column: _Column) -> str:
    """Return a name on as many lines as its column needs."""
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+", column.header):
        if lines[-1] and cells_of(lines[-1] + part) > column.width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _cell(text: str, look: Look) -> Text:
    from rich.text import Text

    return Text(text, style="red" if look.is_colored and text in _REFUSED else "")


def _table(columns: Sequence[_Column], look: Look, bars: tuple[int, list[str]] | None) -> Table:
    from rich import box
    from rich.align import Align
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    shown: list[list[Text]] = []
    for n, one in enumerate(columns):
        width = None if look.width is None else max(one.width, 1)
        side: Literal["left", "right"] = "right" if one.is_right else "left"
        table.add_column(
            Align(Text(_folded_name(one)), side, vertical="bottom"),
            justify=side,
            overflow="fold",
            width=width,
        )
        shown.append([_cell(text, look) for text in one.cells])
        if bars is not None and bars[0] == n:
            table.add_column("", width=_BAR)
            shown.append([Text(text, style="blue") for text in bars[1]])
    for row in zip(*shown, strict=True):
        table.add_row(*row)
    return table


def _upright(columns: Sequence[_Column], count: int, look: Look, *, is_headed: bool) -> RenderableType:
    """Return each row as a list of names and values."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    names = max((cells_of(one.header) for one in columns), default=0)
    width = None
    if look.width is not None:
        # No number is broken for the sake of a name, and a text has half of the room.
        half = look.width // 2
        room = max((min(one.needed, half) if one.folds else one.needed for one in columns), default=0)
        width = max(min(names, look.width - _GAP - room), _LEAST_NAME)
    for n in range(count):
        if is_headed:
            parts.append(Text(f"-- {n + 1} --" if look.is_ascii else f"── {n + 1} ──", style="dim"))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
        table.add_column(overflow="fold", width=width, style="bold")
        table.add_column(overflow="fold")
        for one in columns:
            table.add_row(Text(one.header), _cell(one.cells[n], look))
        parts.append(table)
    return Group(*parts)
