"""The rules for a value, however it was delivered: what is one, how it is stored, what is said of others."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import number, texts
from flowdb.fields import Field, Kind, arrow_type

__all__ = [
    "LONGEST_FIELD",
    "LONGEST_KEPT",
    "MILLISECONDS_MAX",
    "READ_AS",
    "Doubtful",
    "control_character",
    "no_number",
    "no_utf8",
    "shown",
    "spelled_numbers",
    "stored",
    "too_long",
]

LONGEST_FIELD = 4096
"""Bytes; the longest value that AWS writes, a tag of 256 characters percent-encoded, has 3,072."""
LONGEST_KEPT = 4096
"""Characters kept of a line that would not parse."""
MILLISECONDS_MAX = Kind.TIME.largest * 1000 + 999
"""The largest time, in milliseconds."""
READ_AS = {Kind.OCTET: pa.uint8(), Kind.PORT: pa.uint16(), Kind.COUNT: pa.uint64(), Kind.TIME: pa.uint64()}
"""Unsigned, so that a reader itself refuses a sign, and what no octet or port can be."""
_THOUSAND = number(1000)
_TOO_MANY_DIGITS = number(20)
_EMPTY, _ZERO, _NONE = texts(["", "0", None])
_FALSE = pc.is_null(_ZERO)


class Doubtful(ValueError):
    """A block that has to be looked at line by line."""


def stored(column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    """Return a column as it is stored, or raise where a value is not one of its kind."""
    if kind.is_text:
        lengths = pc.min_max(pc.binary_length(column)).as_py()
        # An empty text is what two spaces leave.
        if lengths["min"] is not None and (lengths["min"] < 1 or lengths["max"] > LONGEST_FIELD):
            raise Doubtful
        return column
    if kind is not Kind.TIME:
        return column.cast(arrow_type(kind))
    latest = pc.max(column).as_py() or 0
    if latest > MILLISECONDS_MAX:
        raise Doubtful
    moments = column.cast(pa.int64())
    times = pc.multiply(moments, _THOUSAND)
    if latest > kind.largest:
        times = pc.if_else(pc.greater(moments, number(kind.largest)), moments, times)
    return times.cast(arrow_type(kind))


def spelled_numbers(text: pa.Array, kind: Kind) -> tuple[pa.Array, pa.Array]:
    """Return the numbers that texts spell (null where they spell none), and whether each text is valid."""
    digits = pc.utf8_ltrim(text, "0")
    is_short = pc.less(pc.binary_length(digits), _TOO_MANY_DIGITS)
    spelled = pc.and_(pc.match_substring_regex(text, r"\A[0-9]+\z"), is_short)
    whole = pc.if_else(pc.equal(digits, _EMPTY), _ZERO, digits)
    numbers = pc.if_else(spelled, whole, _NONE).cast(pa.uint64())
    largest = MILLISECONDS_MAX if kind is Kind.TIME else kind.largest
    in_range = pc.less_equal(numbers, number(largest).cast(pa.uint64()))
    valid = pc.or_(pc.is_null(text), pc.coalesce(in_range, _FALSE))
    return pc.if_else(valid, numbers, _NONE.cast(pa.uint64())).cast(READ_AS[kind]), valid


def no_number(one: Field, text: str) -> str:
    """Return what is said of a value that is no number of its field."""
    if one.kind is Kind.TIME:
        expected = "not a time in seconds or milliseconds"
    else:
        expected = f"not a number from 0 to {one.kind.largest}"
    return f"{one.name} is {text[:40]!r}, {expected}"


def no_utf8(byte: int) -> str:
    """Return what is said of text with a byte that cannot be there."""
    return f"not UTF-8: byte 0x{byte:02x}"


def control_character(byte: int) -> str:
    """Return what is said of text with a character that is none of a record's."""
    return f"a control character: 0x{byte:02x}"


def too_long(one: Field, size: int) -> str:
    """Return what is said of a text of more bytes than a field has."""
    return f"{one.name} has {size:,} bytes, more than {LONGEST_FIELD:,}"


def shown(raw: bytes) -> str:
    """Return a line as text that can be kept: cut to a sensible length, odd bytes escaped."""
    return raw[: LONGEST_KEPT * 4].decode("utf-8", "backslashreplace").replace("\0", "\\x00")[:LONGEST_KEPT]
