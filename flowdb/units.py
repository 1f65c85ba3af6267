"""What a column of numbers is measured in, as its name tells, and how people read such numbers: `1.2 GiB`."""

from __future__ import annotations

import re
from enum import Enum

__all__ = ["Unit", "readable", "scale_of", "unit_of"]


class Unit(Enum):
    """What a number is; a `NAME`, such as a port, is no amount at all."""

    BYTES = "bytes"
    BITS = "bit/s"
    SECONDS = "seconds"
    DOLLARS = "US dollars"
    SHARE = "share"
    NUMBER = "number"
    NAME = "name"


_NAMING = re.compile(r"((src|dst|addr|peer|client|server|first|last|lowest|highest)_?)?port|protocol|version")
_UNITS = {
    Unit.BYTES: re.compile(r"(.*_)?bytes(_.*)?"),
    Unit.BITS: re.compile(r".*_bps|bits_per_second"),
    Unit.SECONDS: re.compile(r"(.*_)?seconds"),
    Unit.DOLLARS: re.compile(r"(.*_)?dollars"),
    Unit.SHARE: re.compile(r"(.*_)?share"),
    Unit.NAME: _NAMING,
}
_STEPS = {
    Unit.BYTES: tuple(
        (1024**power, name) for power, name in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    ),
    Unit.BITS: tuple((1000**power, f"{name}bit/s") for power, name in enumerate(("", "k", "M", "G", "T"))),
    Unit.SECONDS: ((1, "s"), (60, "min"), (3600, "h"), (86_400, "d")),
}
_LEAST_OF_A_STEP = {Unit.SECONDS: 2.0}


def unit_of(column: str) -> Unit:
    """Return what the numbers of a column are."""
    return next((unit for unit, name in _UNITS.items() if name.fullmatch(column)), Unit.NUMBER)


def scale_of(unit: Unit, most: float) -> tuple[float, str]:
    """Return by what to divide numbers up to `most`, and what they are then called."""
    least = _LEAST_OF_A_STEP.get(unit, 1.0)
    steps = _STEPS.get(unit, ((1, ""),))
    return next((step for step in reversed(steps) if abs(most) >= step[0] * least), steps[0])


def readable(value: float, unit: Unit) -> str:
    """Return a number with its unit, cut to what a person takes in: three figures, or whole."""
    if unit is Unit.NAME:
        return str(value)
    if unit is Unit.SHARE:
        return f"{value:.1%}" if abs(value) < 10 else f"{value:,.0%}"
    if unit is Unit.DOLLARS:
        return f"${value:,.2f}" if not 0 < abs(value) < 0.01 else f"${value:.2g}"
    divisor, name = scale_of(unit, value)
    if name:
        return f"{_three_figures(value / divisor, is_whole=divisor == 1)} {name}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _three_figures(value: float, *, is_whole: bool) -> str:
    if is_whole and float(value).is_integer():
        return f"{value:,.0f}"
    size = abs(value)
    return f"{value:.2f}" if size < 9.995 else f"{value:.1f}" if size < 99.95 else f"{value:,.0f}"
