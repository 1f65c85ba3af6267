"""What the parameters of analyses take: their types, what values become, what is said of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from numbers import Integral, Real
from pathlib import Path

from flowdb.errors import ParameterError, shortened
from flowdb.nearest import nearest
from flowdb.quoting import quote_text

__all__ = ["Parameter", "keys_of", "literal", "moment", "parse_parameter"]

_Take = Callable[[object, int | None, int | None], object]
_HEADER = re.compile(
    r"(?P<name>\w+)\s+(?P<type>[A-Z]+(\[\])?)(\s+(?P<least>[0-9]+)\.\.(?P<most>[0-9]+)?)?"
    r"(\s*=\s*(?P<default>'[^']*'|\[[^\]]*\]|[^\s{]+))?(\s*\{(?P<choices>[^}]*)\})?\s*--\s*(?P<meaning>.*)"
)
_UNITS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_SPAN = re.compile(
    rf"\s*(?:(?P<count>[0-9]+(?P<part>\.[0-9]+)?)\s*(?P<unit>{'|'.join(_UNITS)})s?"
    r"|(?P<hours>[0-9]+):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9](?:\.[0-9]+)?))?)\s*",
    re.I | re.A,
)
_LONGEST = timedelta(days=36525)
_OFFSET = re.compile(r"[+-]?(0?[0-9]|1[0-4]):[0-5][0-9]")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_ALONE = "conversation"
"""The key that stands for all columns of a connection, and so has no second one beside it."""


class _Unfit(Exception):
    """A value of which more can be said than what it is."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the header gives it; `default` is None for NULL, and where a value is required."""

    name: str
    type: str
    default: object
    choices: tuple[str, ...]
    meaning: str
    is_required: bool = False
    least: int | None = None
    most: int | None = None

    @property
    def takes_none(self) -> bool:
        """Whether NULL means something: if it is the default, or the header says what it means."""
        return not self.is_required and (self.default is None or "NULL" in self.meaning)

    def checked(self, analysis: str, value: object) -> object:
        """Return a value as DuckDB is to be given it, or raise `ParameterError`.

        A time may be a `datetime` (of any zone; without one it is UTC), a `date` (its
        midnight) or ISO 8601 text, a list any iterable or a `Path`, whose lines are the values.
        """
        if value is None and self.takes_none:
            return None
        try:
            taken = None if value is None else _TYPES[self.type].take(value, self.least, self.most)
        except _Unfit as unfit:
            raise ParameterError(analysis, self.name, value, self.expected, str(unfit)) from unfit
        if taken is not None and self.choices:
            taken = self._chosen(str(taken))
        if taken is None:
            raise ParameterError(analysis, self.name, value, self.expected, nearest=self._nearest(value))
        return taken

    def _nearest(self, value: object) -> str | None:
        """Return what may have been meant by a value that is none of the choices."""
        if not isinstance(value, str) or not self.choices:
            return None
        words = keys_of(value) if self.type == "KEYS" else [value]
        meant = [one if one in self.choices else nearest(one, self.choices) for one in words[:3]]
        text = ",".join(one for one in meant if one is not None)
        return text if len(meant) == len(words) and None not in meant and self._chosen(text) else None

    def _chosen(self, text: str) -> str | None:
        """Return the choice, or the one or two keys, that a text names; None if it names no such."""
        if self.type != "KEYS":
            return next((choice for choice in self.choices if choice.lower() == text.lower()), None)
        keys = keys_of(text)
        if not set(keys) <= set(self.choices) or len(keys) > 2 or len(set(keys)) < len(keys):
            return None
        return None if _ALONE in keys and len(keys) > 1 else ",".join(keys)

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.choices:
            two = ", or two with a comma between" if self.type == "KEYS" else ""
            alone = f" ({_ALONE} alone)" if _ALONE in self.choices else ""
            return f"one of{two}{alone}: {', '.join(self.choices)}"
        words = _TYPES[self.type].expected
        if self.type == "INTERVAL" and self.least is None:
            return words.replace("such", "more than 0, such")
        if self.most is not None:
            words = words.replace(", 0 or more", f" from {self.least} to {self.most}")
        elif self.least is not None:
            words = words.replace(" 0 or more", f" {self.least} or more")
        return words

    @property
    def allowed(self) -> str:
        """What a value has to be, as a sentence, where the header says more of that than its type."""
        is_told = self.choices or (self.least is not None and self.type != "INTERVAL")
        return f"{self.expected[:1].upper()}{self.expected[1:]}." if is_told else ""


def parse_parameter(line: str) -> Parameter:
    """Return the parameter that a line of a header describes: `name TYPE = default {choices} -- meaning`.

    After the type there may be the least value and the highest, `INTEGER 0..65535`, or the least
    alone, `INTEGER 1..`; a length of time is more than 0 unless it says `INTERVAL 0..`.
    """
    match = _HEADER.fullmatch(line)
    if match is None or match["type"] not in _TYPES:
        raise ValueError(f"not a parameter: {line}")
    choices = tuple(choice.strip() for choice in (match["choices"] or "").split(",") if choice.strip())
    default = _value(match["default"] or "NULL")
    return Parameter(
        match["name"],
        match["type"],
        default,
        choices,
        match["meaning"],
        is_required=match["default"] is None,
        least=None if match["least"] is None else int(match["least"]),
        most=None if match["most"] is None else int(match["most"]),
    )


def keys_of(text: str) -> list[str]:
    """Return the keys that a text names with commas between."""
    return [key.strip() for key in text.split(",")]


def literal(value: object) -> str:
    """Return a value as SQL has it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return quote_text(str(value))


def moment(value: object) -> datetime | None:
    """Return a time as UTC without a zone, or None for what is none; a date is its midnight."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    elif type(value).__name__ == "datetime64":  # of numpy, which need not be there
        value = value.astype("datetime64[us]").item()  # type: ignore[attr-defined]
    if isinstance(value, datetime):
        if value != value:  # the NaT of pandas, a datetime that is no time
            return None
        try:
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        except OverflowError:
            return None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return None


def _value(text: str) -> object:
    """Return what a default in a header, a literal of SQL, stands for."""
    if text == "NULL":
        return None
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return tuple(_value(one.strip()) for one in text[1:-1].split(",") if one.strip())
    if text.startswith("'"):
        return text.strip("'")
    return float(text) if "." in text else int(text)


def _integer(value: object, least: int | None, most: int | None) -> int | None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        return None
    number = int(value)
    return number if (least or 0) <= number <= (2**63 - 1 if most is None else most) else None


def _number(value: object) -> float | None:
    is_one = isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < float("inf")
    return float(value) if is_one else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _offset(value: object) -> str | None:
    return value if isinstance(value, str) and _OFFSET.fullmatch(value) else None


def _span(value: object, least: int | None, _: int | None) -> str | None:
    """Return a length of time that DuckDB can read; less than a microsecond is none for it."""
    try:
        length = value if isinstance(value, timedelta) else _length(str(value))
    except OverflowError:
        return None
    if length is None or not timedelta(microseconds=1 if least is None else least) <= length <= _LONGEST:
        return None
    return value if isinstance(value, str) else f"{length // timedelta(microseconds=1)} microseconds"


def _length(text: str) -> timedelta | None:
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    if unit := match["unit"]:
        # A part of a month is days, and no bucket has months and days.
        is_whole = match["part"] is None or unit.lower() not in ("month", "year")
        return float(match["count"]) * _UNITS[unit.lower()] if is_whole else None
    return timedelta(
        hours=int(match["hours"]), minutes=int(match["minutes"]), seconds=float(match["seconds"] or 0)
    )


def _range(value: object) -> str | None:
    """Return an address or a range as CIDR, if is_cidr takes it; bits beyond its length do not matter."""
    if not isinstance(value, str) or "%" in value:
        return None
    address, slash, length = value.partition("/")
    try:
        bits = ip_address(address).max_prefixlen
    except ValueError:
        return None
    return value if not slash or (_LENGTH.fullmatch(length) and int(length) <= bits) else None


def _keys(value: object) -> str | None:
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return _text(value)


def _list_of(take: _Take) -> _Take:
    def taken(value: object, least: int | None, most: int | None) -> list[object] | None:
        if isinstance(value, Path):
            return _of_file(value, lambda entry: take(entry, least, most))
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            return None
        entries = list(value)
        found = [take(one, least, most) for one in entries]
        if None in found and len(found) > 1:
            bad = found.index(None)
            raise _Unfit(f"has {shortened(entries[bad])} as entry {bad + 1} of {len(found)}")
        return None if None in found else found

    return taken


def _of_file(path: Path, take: Callable[[str], object]) -> list[object]:
    """Return the entries of a list file, one on a line, without comments."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeError:
        raise _Unfit(f"is {str(path)!r}, which is not a text in UTF-8") from None
    except OSError as error:
        raise _Unfit(f"is {str(path)!r}, which cannot be read ({error.strerror or error})") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if entry := line.partition("#")[0].strip():
            found.append(take(entry))
            if found[-1] is None:
                raise _Unfit(f"has {shortened(entry)} in line {number} of {str(path)!r}")
    return found


def _plain(take: Callable[[object], object]) -> _Take:
    """Return what takes a value that has no bounds."""
    return lambda value, _least, _most: take(value)


@dataclass(frozen=True, slots=True)
class _Type:
    take: _Take
    expected: str


_TYPES = {
    "TIMESTAMP": _Type(_plain(moment), "a date or a time (UTC)"),
    "INTEGER": _Type(_integer, "a whole number, 0 or more"),
    "NUMBER": _Type(_plain(_number), "a number, 0 or more"),
    "TEXT": _Type(_plain(_text), "a text"),
    "REGION": _Type(_plain(_text), "a region of the price table"),
    "KEYS": _Type(_plain(_keys), "a text"),
    "BOOLEAN": _Type(_plain(_flag), "true or false"),
    "OFFSET": _Type(_plain(_offset), "hours and minutes such as +02:00 or -05:30"),
    "INTERVAL": _Type(
        _span,
        f"a length of time such as '5 minutes', in {', '.join(f'{unit}s' for unit in _UNITS)}".replace(
            ", years", " or years"
        ),
    ),
    "CIDR": _Type(_plain(_range), "an address, or a range such as 10.0.0.0/8"),
    "INTEGER[]": _Type(_list_of(_integer), "whole numbers, 0 or more, such as [1, 6]"),
    "CIDR[]": _Type(_list_of(_plain(_range)), "addresses and ranges such as ['192.0.2.7', '10.0.0.0/8']"),
}
