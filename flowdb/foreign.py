"""Columns that others wrote, of any name and type, as the texts and the names that flow logs have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import numbers

__all__ = ["decoded", "field_name", "is_text", "plain", "spelled", "whole_numbers"]

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_TWO_TO_63 = numbers([2.0**63], pa.float64())[0]


def field_name(name: str) -> str:
    """Return the name of the field that a column holds: in lower case, with hyphens between its words."""
    return _BETWEEN_WORDS.sub("-", name.lower()).strip("-") or "column"


def plain(column: pa.Array) -> pa.Array:
    """Return the values of a column without what some type wraps around them."""
    while True:
        if isinstance(column.type, pa.BaseExtensionType):
            column = column.storage
        elif pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        elif pa.types.is_run_end_encoded(column.type):
            column = pc.run_end_decode(column)
        else:
            return column


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is bytes or text of any sort."""
    types = pa.types
    is_plain = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_binary = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return bool(is_plain or is_binary or types.is_fixed_size_binary(kind))


def whole_numbers(floats: pa.Array) -> pa.Array:
    """Return the floats that are whole as integers of 64 bits, NULL for others."""
    floats = floats.cast(pa.float64())
    is_whole = pc.and_(pc.equal(pc.floor(floats), floats), pc.less(pc.abs(floats), _TWO_TO_63))
    return pc.if_else(is_whole, floats, None).cast(pa.int64())


def spelled(column: pa.Array) -> pa.Array:
    """Return the values of a plain column as the bytes that they would be in a line.

    Text is as it is, whole floats have no point, times are UTC, and what is nested is JSON.
    """
    kind = column.type
    if is_text(kind):
        return column.cast(pa.binary())
    if pa.types.is_floating(kind):
        texts = pc.coalesce(whole_numbers(column).cast(pa.string()), column.cast(pa.string()))
    elif pa.types.is_decimal(kind):
        texts = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+\z", "")
    elif pa.types.is_timestamp(kind):
        texts = column.cast(pa.int64()).cast(pa.timestamp(kind.unit)).cast(pa.string())
    elif pa.types.is_nested(kind):
        return pa.array(list(_nested(column)), pa.binary())
    else:
        texts = column.cast(pa.string())
    return texts.cast(pa.binary())


def decoded(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return bytes as text (NULL where they are none), and whether each value is NULL or text."""
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        values = [None if value is None else _utf8(value) for value in column.to_pylist()]
        text = pa.array(values, pa.string())
    return text, pc.equal(pc.is_null(text), pc.is_null(column))


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _nested(column: pa.Array) -> Iterator[bytes | None]:
    # Arrow writes no JSON. Only a column that no flow log has comes here.
    for row, scalar in enumerate(column):
        if not scalar.is_valid:
            yield None
            continue
        try:
            yield json.dumps(scalar.as_py(), default=str, ensure_ascii=False, separators=(",", ":")).encode()
        except (ValueError, OverflowError, TypeError):
            yield column.slice(row, 1).to_string(indent=0, skip_new_lines=True).encode()
