"""Arrow arrays of Python values, laid out here and not by pyarrow's own converter.

That one loads pandas wherever pandas is installed, which takes longer than a small ingest.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa

__all__ = ["number", "numbers", "texts"]


def numbers(values: Sequence[float | None], kind: pa.DataType | None = None) -> pa.Array:
    """Return numbers of a type of 64 bits, by default integers."""
    kind = kind or pa.int64()
    code = "d" if pa.types.is_floating(kind) else "q"
    data = array(code, [0 if value is None else value for value in values])
    return pa.Array.from_buffers(kind, len(values), [_validity(values), pa.py_buffer(data)])


def number(value: int) -> pa.Scalar[Any]:
    """Return one 64-bit integer."""
    return numbers([value])[0]


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return texts, less than 2 GiB of UTF-8 in all."""
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = array("i", accumulate(map(len, encoded), initial=0))
    buffers = [_validity(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    """Return one bit a value, lowest first: set where there is one."""
    if None not in values:
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes((len(values) + 7) // 8, "little"))
