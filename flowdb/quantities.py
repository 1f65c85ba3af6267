"""Reads how long ago something was and how large it may be, as people write them: `90d`, `50GB`."""

from __future__ import annotations

import re
from datetime import date, timedelta

from flowdb.errors import UsageError
from flowdb.parameters import moment

__all__ = ["age", "day", "size"]

_AGE = re.compile(r"(\d{1,9})([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([KMGTP]?)(i?)B?\Z", re.IGNORECASE)
_POWERS = " KMGTP"


def age(value: object) -> timedelta:
    """Return a length of time: a `timedelta`, or a number with s, m, h, d or w behind it."""
    if isinstance(value, timedelta):
        found = value
    elif match := _AGE.match(str(value)):
        try:
            found = timedelta(**{_UNITS[match[2]]: int(match[1])})
        except OverflowError:
            raise UsageError(f"{value!r} is longer ago than there are dates") from None
    else:
        raise UsageError(f"{value!r} is no age such as 90s, 15m, 2h, 90d or 4w")
    if found < timedelta(0):
        raise UsageError(f"{value!r} is less than no time")
    return found


def size(value: object) -> int:
    """Return a number of bytes: a number, or one with KB, MB, GB, TB (by 1000), KiB, MiB ... (by 1024)."""
    match = _SIZE.match(str(value))
    if match is None or isinstance(value, bool):
        raise UsageError(f"{value!r} is no size such as 500MB, 50GB or 1TiB")
    power = _POWERS.index(match[2].upper()) if match[2] else 0
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def day(value: object) -> date:
    """Return a UTC date: a `date`, the date of a `datetime`, or that of a time as ISO 8601 text."""
    found = moment(value)
    if found is None:
        raise UsageError(f"{value!r} is no date such as 2024-01-15")
    return found.date()
