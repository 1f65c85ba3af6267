"""The compiled way to read a clean block of lines, where flowdb was installed with it.

It gives what pyarrow's CSV reader and the checks behind it give, in less than half their time.
Without it, or with `FLOWDB_NATIVE=0` in the environment, nothing but the time is another.
"""

from __future__ import annotations

import ctypes
import os
import sys
import zlib
from functools import cache
from pathlib import Path

import pyarrow as pa

from flowdb.fields import Field, Kind, arrow_type
from flowdb.layouts import Layout

__all__ = ["functions", "read"]

_SOURCES = [Path(__file__).with_name(name) for name in ("native.c", "sums.c")]
_BUILT = Path(__file__).with_name("native.lib")
_SPARE = 16  # bytes; what native.c may write behind the last text
_SIGNATURES = {
    "flowdb_source": 0,
    "flowdb_split": 5,
    "flowdb_numbers": 10,
    "flowdb_lay_out": 8,
    "flowdb_copy": 8,
    "flowdb_group": 8,
    "flowdb_combine": 8,
}
_POINTERS = {
    "flowdb_split": (0, 3),
    "flowdb_numbers": (0, 1, 8, 9),
    "flowdb_lay_out": (0, 1, 6, 7),
    "flowdb_copy": (0, 2, 6, 7),
    "flowdb_group": (2, 4, 5, 6, 7),
    "flowdb_combine": (2, 3, 4, 6, 7),
}


@cache
def functions() -> ctypes.CDLL | None:
    """Return the compiled functions; None where there are none, or where they are of another source."""
    if os.environ.get("FLOWDB_NATIVE") == "0" or sys.byteorder != "little":
        return None
    try:
        found = ctypes.CDLL(str(_BUILT))
        for name, count in _SIGNATURES.items():
            function = getattr(found, name)
            pointers = _POINTERS.get(name, ())
            function.argtypes = [ctypes.c_void_p if n in pointers else ctypes.c_int64 for n in range(count)]
            function.restype = ctypes.c_int64
        found.flowdb_source.restype = ctypes.c_uint32
        is_current = found.flowdb_source() == zlib.crc32(b"".join(source.read_bytes() for source in _SOURCES))
    except (OSError, AttributeError):
        return None
    return found if is_current else None


def read(block: bytes, layout: Layout, start: int, longest: int) -> list[pa.Array] | None:
    """Return the columns of a clean block, as they are stored; None where it is doubtful.

    It always is where nothing was compiled. What lies before `start` is passed over; a text of
    over `longest` bytes is doubtful.
    """
    compiled = functions()
    if compiled is None:
        return None
    lines = pa.py_buffer(block).slice(start)
    room = lines.size // 2 + 9  # no field is empty
    ends = pa.allocate_buffer(room * 4)
    rows = compiled.flowdb_split(lines.address, lines.size, len(layout.fields), ends.address, room)
    if rows < 0:
        return None
    columns = []
    for index, one in enumerate(layout.fields):
        place = (ends.address, len(layout.fields), index, rows)
        read_one = (
            _texts(compiled, lines, place, longest)
            if one.kind.is_text
            else _numbers(compiled, lines, place, one)
        )
        if read_one is None:
            return None
        columns.append(read_one)
    return columns


def _numbers(compiled: ctypes.CDLL, lines: pa.Buffer, place: tuple[int, ...], one: Field) -> pa.Array | None:
    kind, rows = arrow_type(one.kind), place[-1]
    width = kind.bit_width // 8
    numbers, valid = pa.allocate_buffer(rows * width), pa.allocate_buffer((rows + 7) // 8)
    scale = 1000 if one.kind is Kind.TIME else 1
    nulls = compiled.flowdb_numbers(
        lines.address, *place, one.kind.largest, scale, width, numbers.address, valid.address
    )
    if nulls < 0:
        return None
    return pa.Array.from_buffers(kind, rows, [valid if nulls else None, numbers], nulls)


def _texts(compiled: ctypes.CDLL, lines: pa.Buffer, place: tuple[int, ...], longest: int) -> pa.Array | None:
    rows = place[-1]
    offsets, valid = pa.allocate_buffer((rows + 1) * 4), pa.allocate_buffer((rows + 7) // 8)
    nulls = compiled.flowdb_lay_out(lines.address, *place, longest, offsets.address, valid.address)
    if nulls < 0:
        return None
    size = int.from_bytes(offsets.slice(rows * 4), "little")
    data = pa.allocate_buffer(size + _SPARE)
    compiled.flowdb_copy(lines.address, lines.size, *place, offsets.address, data.address)
    return pa.Array.from_buffers(
        pa.string(), rows, [valid if nulls else None, offsets, data.slice(0, size)], nulls
    )
