"""The order of fields in a record: from a header line, an AWS format string, or the default format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from flowdb.datasets import Dataset, dataset_of
from flowdb.fields import BY_NAME, FIELDS, TGW_FIELDS, Field, Kind

__all__ = [
    "DEFAULT",
    "TGW_DEFAULT",
    "Layout",
    "LayoutUnknown",
    "format_layout",
    "header_names",
    "named_layout",
    "sniff",
    "starts_layout",
]

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*\Z", re.IGNORECASE | re.ASCII)
_PLACEHOLDER = re.compile(r"\$?\$\{([^{}]*)\}")
_FIELD_NAMES = frozenset(BY_NAME)
_MOST_FIELDS = 255
_TELLING = 3
_KEPT_LINE = 1 << 14


class LayoutUnknown(ValueError):
    """The order of the fields cannot be known; the message says why."""


@dataclass(frozen=True)
class Layout:
    """The fields of a record, in order; a name that the registry lacks is a text field of its own."""

    names: tuple[str, ...]

    @cached_property
    def dataset(self) -> Dataset:
        """What records of these fields belong to."""
        return dataset_of(self.names)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The registry's rows for the names; unknown names become text fields of version 0."""
        known = self.dataset.by_name
        return tuple(known.get(name) or Field(name, Kind.CODE, 0, "") for name in self.names)

    @cached_property
    def header(self) -> bytes:
        """The header line that AWS writes for it."""
        return str(self).encode()

    @cached_property
    def _text(self) -> str:
        # One for all sources of a layout, each of which has it in the ledger.
        return " ".join(self.names)

    def __str__(self) -> str:
        return self._text


DEFAULT = Layout(tuple(field.name for field in FIELDS if field.version == 2))
"""The default format of VPC flow logs."""
TGW_DEFAULT = Layout(tuple(field.name for field in TGW_FIELDS))
"""The default format of transit gateway logs."""
_NAMED = {"default": DEFAULT, "tgw": TGW_DEFAULT}


def header_names(line: str) -> tuple[str, ...] | None:
    """Return the names in a line that is a header, as AWS spells them, else None.

    A header holds nothing but names, at least one of them a field's.
    """
    # Each of many sources begins with the same line, and is asked for it more than once.
    return _names_of(line) if len(line) <= _KEPT_LINE else _names_of.__wrapped__(line)


@lru_cache(maxsize=16)
def _names_of(line: str) -> tuple[str, ...] | None:
    names = tuple(token.lower().replace("_", "-") for token in _tokens(line) if _NAME.match(token))
    if len(names) < len(_tokens(line)) or _FIELD_NAMES.isdisjoint(names):
        return None
    return names


def named_layout(names: tuple[str, ...]) -> Layout:
    """Return the layout of these fields; raise `LayoutUnknown` where none can be made of them."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LayoutUnknown(f"its header names {', '.join(twice)} twice")
    if len(names) > _MOST_FIELDS:
        raise LayoutUnknown(f"its header names {len(names)} fields, more than {_MOST_FIELDS}")
    return Layout(names)


def format_layout(text: str) -> Layout:
    """Return the layout that a person gives: AWS's `${version} ${account-id} ...`, `default`, or names.

    `tgw` is the default format of transit gateway logs. Terraform's `$${version}` is taken
    too, and names may be separated by spaces or commas. Raises `LayoutUnknown` where that is
    no layout.
    """
    if named := _NAMED.get(text.strip().lower()):
        return named
    names = tuple(
        (_PLACEHOLDER.fullmatch(token) or [token, token])[1].lower().replace("_", "-")
        for token in text.replace(",", " ").split()
    )
    if not names:
        raise LayoutUnknown("the format is empty")
    if odd := [name for name in names if not _NAME.match(name)]:
        raise LayoutUnknown(f"the format has {odd[0]!r}, which cannot be the name of a field")
    if _FIELD_NAMES.isdisjoint(names):
        raise LayoutUnknown("the format names no field of flow logs")
    return named_layout(names)


def sniff(lines: Sequence[str], given: Layout | None = None) -> Layout:
    """Return the layout of the records in a text whose first lines are these, blank ones left out.

    A header says it; without one, the layout that was given is taken, or a record with the 14
    fields of the default format tells. Anything else raises `LayoutUnknown`; no line at all
    has the default format.
    """
    if not lines:
        return given or DEFAULT
    names = header_names(lines[0])
    if names and (given is None or starts_layout(names, given)):
        return named_layout(names)
    if given is not None:
        return given
    if any(_is_default_record(line) for line in lines):
        return DEFAULT
    if any("\0" in line for line in lines):
        raise LayoutUnknown("it is a binary file, not a flow log")
    odd = [token for token in _tokens(lines[0]) if not _NAME.match(token)]
    if not odd:
        raise LayoutUnknown("its first line names no field of flow logs")
    if len(_FIELD_NAMES & set(_tokens(lines[0]))) >= _TELLING:
        raise LayoutUnknown(f"its header has {odd[0][:40]!r}, which cannot be the name of a field")
    raise LayoutUnknown(
        f"it has no header, and no record with the {len(DEFAULT.names)} fields of the default format;"
        " --format names its fields"
    )


def starts_layout(names: tuple[str, ...], present: Layout) -> bool:
    """Tell whether the names in a line after the first are a header: the present one, or another.

    Another one has three names of fields or more, and they are half of its names: values can be names too.
    """
    known = sum(name in _FIELD_NAMES for name in names)
    return names == present.names or (known >= _TELLING and known * 2 >= len(names))


def _tokens(line: str) -> list[str]:
    # Spaces alone separate, as in a record: other white space is part of a token, and so of no name.
    return [token for token in line.strip(" \r\n").split(" ") if token]


def _is_default_record(line: str) -> bool:
    tokens = line.split()
    return len(tokens) == len(DEFAULT.names) and tokens[0].isascii() and tokens[0].isdigit()
