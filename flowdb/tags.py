"""The values of tags, which a log has percent-encoded, as they were written by whoever tagged."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.compute as pc

from flowdb.arrays import texts
from flowdb.words import is_coded, spelled

__all__ = ["decoded"]

_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")


def decoded(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return texts with their escapes decoded: `my%2Dapp` becomes `my-app`.

    A text in which an escape is malformed, or which would not be UTF-8, stays as it is.
    """
    if is_coded(values):
        may_have_escape = pc.any(pc.match_substring(values.dictionary, "%")).as_py()
        return decoded(spelled(values)) if may_have_escape else values
    has_escape = pc.match_substring(values, "%")
    if not pc.any(has_escape).as_py():
        return values
    distinct = pc.unique(values.filter(has_escape))
    plain = texts([_decoded(value) for value in distinct.to_pylist()])
    return pc.coalesce(pc.take(plain, pc.index_in(values, value_set=distinct)), values)


def _decoded(value: str) -> str:
    if not _ENCODED.fullmatch(value):
        return value
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return value
