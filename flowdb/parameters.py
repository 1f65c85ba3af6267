"""What the parameters of analyses take: their types, what values become, what is said of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from numbers import Integral, Real
from pathlib import Path

from flowdb.errors import ParameterError
from flowdb.quoting import quote_text

__all__ = ["Parameter", "keys_of", "literal", "moment", "parse_parameter"]

_HEADER = re.compile(
    r"(?P<name>\w+)\s+(?P<type>[A-Z]+(\[\])?)(\s*=\s*(?P<default>'[^']*'|\[[^\]]*\]|[^\s{]+))?"
    r"(\s*\{(?P<choices>[^}]*)\})?\s*--\s*(?P<meaning>.*)"
)
_SPAN = re.compile(
    r"\s*(\d+(\.\d+)?)\s*(second|minute|hour|day|week)s?\s*|\s*\d+:\d\d(:\d\d(\.\d+)?)?\s*", re.I
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the header gives it; `default` is None for NULL, and where a value is required."""

    name: str
    type: str
    default: object
    choices: tuple[str, ...]
    meaning: str
    is_required: bool = False

    def checked(self, analysis: str, value: object) -> object:
        """Return a value as DuckDB is to be given it, or raise `ParameterError`.

        A time may be a `datetime` (of any zone; without one it is UTC), a `date` (its
        midnight) or ISO 8601 text, a list any iterable or a `Path`, whose lines are the values.
        """
        if value is None and not self.choices and not self.is_required:
            return None
        taken = None if value is None else _TYPES[self.type].take(value)
        if taken is not None and self.choices:
            keys = keys_of(str(taken)) if self.type == "KEYS" else [str(taken)]
            if not set(keys) <= set(self.choices) or len(keys) > 2 or len(set(keys)) < len(keys):
                taken = None
        if taken is None:
            raise ParameterError(analysis, self.name, value, self.expected)
        return taken

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        if self.choices:
            two = ", or two with a comma between" if self.type == "KEYS" else ""
            return f"one of{two}: {', '.join(self.choices)}"
        return _TYPES[self.type].expected


def parse_parameter(line: str) -> Parameter:
    """Return the parameter that a line of a header describes: `name TYPE = default {choices} -- meaning`."""
    match = _HEADER.fullmatch(line)
    if match is None or match["type"] not in _TYPES:
        raise ValueError(f"not a parameter: {line}")
    choices = tuple(choice.strip() for choice in (match["choices"] or "").split(",") if choice.strip())
    default = _value(match["default"] or "NULL")
    return Parameter(
        match["name"], match["type"], default, choices, match["meaning"], is_required=match["default"] is None
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


def _integer(value: object) -> int | None:
    is_one = isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) < 2**63
    return int(value) if is_one else None  # type: ignore[call-overload]


def _number(value: object) -> float | None:
    is_one = isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < float("inf")
    return float(value) if is_one else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _span(value: object) -> str | None:
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds" if value > timedelta(0) else None
    return value if isinstance(value, str) and _SPAN.fullmatch(value) else None


def _range(value: object) -> str | None:
    """Return an address or a range in CIDR form, whose bits beyond its length do not matter."""
    try:
        return value if isinstance(value, str) and ip_network(value, strict=False) else None
    except ValueError:
        return None


def _keys(value: object) -> str | None:
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return _text(value)


def _list_of(take: Callable[[object], object]) -> Callable[[object], object]:
    def taken(value: object) -> list[object] | None:
        if isinstance(value, Path):
            lines = (line.partition("#")[0].strip() for line in value.read_text("utf-8").splitlines())
            value = [line for line in lines if line]
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            return None
        found = [take(one) for one in value]
        return None if None in found else found

    return taken


@dataclass(frozen=True, slots=True)
class _Type:
    take: Callable[[object], object]
    expected: str


_TYPES = {
    "TIMESTAMP": _Type(moment, "a date or a time (UTC)"),
    "INTEGER": _Type(_integer, "a whole number, 0 or more"),
    "NUMBER": _Type(_number, "a number, 0 or more"),
    "TEXT": _Type(_text, "a text"),
    "KEYS": _Type(_keys, "a text"),
    "BOOLEAN": _Type(_flag, "true or false"),
    "INTERVAL": _Type(_span, "a length of time such as '5 minutes'"),
    "CIDR": _Type(_range, "an address, or a range such as 10.0.0.0/8"),
    "INTEGER[]": _Type(_list_of(_integer), "whole numbers, 0 or more, such as [22, 3389]"),
    "CIDR[]": _Type(_list_of(_range), "addresses and ranges such as ['192.0.2.7', '10.0.0.0/8']"),
}
