"""What the numbers of a column count, which its name tells, and how a person reads them.

This is the only place that knows it: tables, plots and pages ask here.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from math import isfinite

from flowdb.analyses import analyses

__all__ = ["Unit", "is_number", "is_time", "readable", "unit_of"]


class Unit(Enum):
    """What a number is of. A `LABEL` is a name that is written in digits: a port, a protocol, an id."""

    BYTES = "bytes"
    BITS = "bits a second"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    DOLLARS = "dollars"
    NUMBER = "number"
    LABEL = "label"


# The first that fits a name says what it is.
_NAMES = (
    (re.compile(r"(|.*_)bytes(_\w+)?|size"), Unit.BYTES),
    (re.compile(r"(|.*_)(bps|bits_per_second)"), Unit.BITS),
    (re.compile(r"(|.*_)share"), Unit.SHARE),
    (re.compile(r"(|.*_)seconds"), Unit.SECONDS),
    (re.compile(r"(|.*_)dollars(_\w+)?"), Unit.DOLLARS),
    (
        re.compile(r"(|src|dst|.*_)port|protocol|version|ip_family|(.*_)?id|last_source|line_number"),
        Unit.LABEL,
    ),
)
# What the store says of itself; what analyses count is named in their headers.
_COUNTED = re.compile(r"(|\w+_)(records|lines|sources|files|dates|commits|objects|runs|packets|flows)(_\w+)?")
# As DuckDB names what a query gives no name.
_AGGREGATE = re.compile(r"(?:sum|avg|min|max|median|any_value)\(\"?(?:flows\.)?(\w+)\"?\)")
_COUNT = re.compile(r"count(_star)?\(.*\)")
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_NUMBER = re.compile(rf"({_WHOLE.pattern}|FLOAT|DOUBLE|DECIMAL.*)")
_TIME = re.compile(r"TIMESTAMP.*|DATE")
_POWERS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_RATES = ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")


def is_number(sql_type: str) -> bool:
    """Tell whether a type of DuckDB is that of a number."""
    return _NUMBER.fullmatch(sql_type) is not None


def is_time(sql_type: str) -> bool:
    """Tell whether a type of DuckDB is that of a time or a date."""
    return _TIME.fullmatch(sql_type) is not None


def unit_of(name: str, sql_type: str) -> Unit | None:
    """Return what the numbers of a column are of; None for what is no number.

    A number whose name says nothing counts, or measures, where an analysis has a column of that name;
    one of which nothing is known is shown as it is.
    """
    if not is_number(sql_type):
        return None
    if aggregate := _AGGREGATE.fullmatch(name):
        name = aggregate[1]
    for pattern, unit in _NAMES:
        if pattern.fullmatch(name):
            return unit
    if _WHOLE.fullmatch(sql_type) is None:
        return Unit.NUMBER if name in _declared() else Unit.LABEL
    is_counted = name in _declared() or _COUNTED.fullmatch(name) or _COUNT.fullmatch(name)
    return Unit.COUNT if is_counted else Unit.LABEL


def readable(number: str, unit: Unit) -> str:
    """Return a number, as DuckDB writes it, as a person reads it: `1.2 GiB`, `1,234`, `6.4 %`, `2h 05m`."""
    if unit is Unit.LABEL:
        return number
    if unit is Unit.COUNT:
        return f"{int(number):,}"
    value = float(number)
    if not isfinite(value):
        return number
    if unit is Unit.BYTES:
        return _scaled(value, 1024, _POWERS)
    if unit is Unit.BITS:
        return _scaled(value, 1000, _RATES)
    if unit is Unit.SECONDS:
        return _duration(value)
    if unit is Unit.SHARE:
        return _share(value)
    if unit is Unit.DOLLARS:
        return f"{'-' if value < 0 else ''}${_decimal(abs(value), 2)}"
    return _decimal(value, 3)


@cache
def _declared() -> frozenset[str]:
    """Return the names of the columns that analyses declare."""
    return frozenset(name.strip() for one in analyses().values() for name in one.columns.split(","))


def _scaled(value: float, base: int, units: tuple[str, ...]) -> str:
    power = 0
    # What would be rounded to the base is one of the next unit.
    while abs(value) >= base - 0.05 and power < len(units) - 1:
        value /= base
        power += 1
    return f"{value:.1f} {units[power]}" if power or value % 1 else f"{value:.0f} {units[power]}"


def _share(value: float) -> str:
    """Return a share in per cent; what is not none or all is not shown as such."""
    percent, sign = abs(value) * 100, "-" if value < 0 else ""
    if 0 < percent < 0.005:
        return f"{sign}<0.01 %"
    if 99.995 <= percent < 100:
        return f"{sign}>99.99 %"
    return f"{sign}{percent:,.{2 if 0 < percent < 0.095 or 99.95 <= percent < 100 else 1}f} %"


def _duration(value: float) -> str:
    sign, value = "-" if value < 0 else "", abs(value)
    if value < 9.995:
        return f"{sign}{value:.2f}".rstrip("0").rstrip(".") + "s"
    if value < 59.95:
        return f"{sign}{value:.1f}".removesuffix(".0") + "s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days:,}d {hours:02}h"
    return f"{sign}{hours}h {minutes:02}m" if hours else f"{sign}{minutes}m {seconds:02}s"


def _decimal(value: float, digits: int) -> str:
    """Return a number with so many digits after the point, and more where it is small; no exponent."""
    if value and abs(value) < 1:
        text = f"{value:.10f}"
        zeros = len(re.match(r"-?0\.(0*)", text)[1])  # type: ignore[index]
        text = f"{value:.{min(zeros + digits, 10)}f}"
    else:
        text = f"{value:,.{digits}f}"
    return text if digits == 2 else text.rstrip("0").rstrip(".")
