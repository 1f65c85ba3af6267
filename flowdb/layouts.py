"""The order of fields in a record: from a header line, an AWS format string, or the default format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from flowdb.fields import BY_NAME, FIELDS, Field, Kind

__all__ = ["DEFAULT", "Layout", "LayoutUnknown", "header_layout", "sniff"]

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*\Z", re.IGNORECASE)
_SNIFFED_LINES = 100
_TRANSIT_GATEWAY = {"tgw-id", "tgw-attachment-id", "tgw-pair-attachment-id"}
_MOST_FIELDS = 255


class LayoutUnknown(ValueError):
    """The order of the fields cannot be known; the message says why."""


@dataclass(frozen=True)
class Layout:
    """The fields of a record, in order; a name that the registry lacks is a text field of its own."""

    names: tuple[str, ...]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The registry's rows for the names; unknown names become text fields of version 0."""
        return tuple(BY_NAME.get(name) or Field(name, Kind.CODE, 0, "") for name in self.names)

    @cached_property
    def header(self) -> bytes:
        """The header line that AWS writes for it."""
        return str(self).encode()

    def __str__(self) -> str:
        return " ".join(self.names)


DEFAULT = Layout(tuple(field.name for field in FIELDS if field.version == 2))


def header_layout(line: str) -> Layout | None:
    """Return the layout that a line names if it is a header, else None.

    A header holds nothing but names, at least one of them a field's. A header that no
    layout can be made of (a name twice, a transit gateway's fields) raises `LayoutUnknown`.
    """
    # Spaces alone separate, as in a record: other white space is part of a token, and so of no name.
    tokens = [token for token in line.strip(" \r\n").split(" ") if token]
    if not tokens or not all(_NAME.match(token) for token in tokens):
        return None
    names = tuple(token.lower().replace("_", "-") for token in tokens)
    if _TRANSIT_GATEWAY & set(names):
        raise LayoutUnknown("its header is that of a transit gateway flow log, which flowdb does not read")
    if not any(name in BY_NAME for name in names):
        return None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LayoutUnknown(f"its header names {', '.join(twice)} twice")
    if len(names) > _MOST_FIELDS:
        raise LayoutUnknown(f"its header names {len(names)} fields")
    return Layout(names)


def sniff(start: str) -> Layout:
    """Return the layout of the records in a text that starts like this.

    A header says it; without one, a record with the 14 fields of the default format does.
    Anything else raises `LayoutUnknown`; a text of blank lines has the default format.
    """
    lines = [line for line in start.split("\n", _SNIFFED_LINES)[:_SNIFFED_LINES] if line.strip()]
    layout = header_layout(lines[0]) if lines else DEFAULT
    if layout is not None:
        return layout
    if any(_is_default_record(line) for line in lines):
        return DEFAULT
    if "\0" in start:
        raise LayoutUnknown("it is a binary file, not a flow log")
    if all(_NAME.match(token) for token in lines[0].split()):
        raise LayoutUnknown("its first line names no field of flow logs")
    raise LayoutUnknown(
        f"it has no header, and no record with the {len(DEFAULT.names)} fields of the default format"
    )


def _is_default_record(line: str) -> bool:
    tokens = line.split()
    return len(tokens) == len(DEFAULT.names) and tokens[0].isascii() and tokens[0].isdigit()
