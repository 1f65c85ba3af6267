"""The compiled way to read a clean block of lines, where flowdb was installed with it.

It gives what pyarrow's CSV reader and the checks behind it give, in a fraction of their time, and
texts that repeat as codes into a dictionary. Without it, or with `FLOWDB_NATIVE=0` in the
environment, nothing but the time is another.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
import zlib
from functools import cache, lru_cache
from pathlib import Path

import pyarrow as pa

from flowdb.arrays import texts
from flowdb.fields import Field, Kind, arrow_type
from flowdb.layouts import Layout

__all__ = ["functions", "line_count", "read", "renumbered"]

_SOURCES = [Path(__file__).with_name(name) for name in ("native.c", "sums.c", "words.h", "ends.h")]
_BUILT = Path(__file__).with_name("native.lib")
_MOST_FIELDS = 255
# A dictionary that has grown so far starts anew: codes are looked up in what the processor has near.
_MOST_WORDS = 1 << 16
_MOST_BYTES = 4 << 20
_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64
_SIGNATURES: dict[str, tuple[type | None, list[type]]] = {
    "flowdb_source": (ctypes.c_uint32, []),
    "flowdb_open": (_POINTER, []),
    "flowdb_close": (None, [_POINTER]),
    "flowdb_forget": (None, [_POINTER]),
    "flowdb_words": (_NUMBER, [_POINTER]),
    "flowdb_words_size": (_NUMBER, [_POINTER]),
    "flowdb_copy_words": (None, [_POINTER] * 3),
    "flowdb_lines": (_NUMBER, [_POINTER, _NUMBER]),
    "flowdb_read": (_NUMBER, [_POINTER, _POINTER, _NUMBER, _NUMBER, _NUMBER, _POINTER]),
    "flowdb_renumber": (
        _NUMBER,
        [_POINTER, _NUMBER, _POINTER, _NUMBER, _POINTER, _POINTER, _NUMBER, _POINTER],
    ),
    "flowdb_keys": (None, [_NUMBER] + [_POINTER] * 6),
    "flowdb_group_words": (_NUMBER, [_NUMBER, _NUMBER]),
    "flowdb_group": (
        _NUMBER,
        [_NUMBER, *[_NUMBER, _POINTER] * 2, ctypes.c_uint64, *[_NUMBER, _POINTER] * 2],
    ),
    "flowdb_index": (None, [_NUMBER] * 3 + [_POINTER, ctypes.c_uint64, _NUMBER, _POINTER]),
    "flowdb_columns": (None, [_NUMBER] * 3 + [_POINTER] * 3),
    "flowdb_order": (None, [_NUMBER, _NUMBER, _POINTER, _NUMBER, *[_POINTER] * 3]),
}


class _Column(ctypes.Structure):
    """What native.c is told of a field, and where it says what it read."""

    _fields_ = (
        ("largest", ctypes.c_uint64),
        ("scale", ctypes.c_uint64),
        ("width", ctypes.c_int64),
        ("values", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("nulls", ctypes.c_int64),
        ("met", ctypes.c_int64),
        ("text", ctypes.c_void_p),
    )
    values: int
    valid: int
    width: int
    nulls: int
    text: int | None


@cache
def functions() -> ctypes.CDLL | None:
    """Return the compiled functions; None where there are none, or where they are of another source."""
    if os.environ.get("FLOWDB_NATIVE") == "0" or sys.byteorder != "little":
        return None
    try:
        found = ctypes.CDLL(str(_BUILT))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
        is_current = found.flowdb_source() == zlib.crc32(b"".join(source.read_bytes() for source in _SOURCES))
    except (OSError, AttributeError):
        return None
    return found if is_current else None


def line_count(block: memoryview) -> int:
    """Return the number of lines in a block; the last one may lack its newline."""
    compiled = functions()
    if compiled is None:
        text = bytes(block)
        return text.count(b"\n") + (bool(text) and not text.endswith(b"\n"))
    lines = pa.py_buffer(block)
    return int(compiled.flowdb_lines(lines.address, lines.size))


def read(
    block: bytes | memoryview, layout: Layout, start: int, longest: int, lines: int | None = None
) -> list[pa.Array] | None:
    """Return the columns of a clean block, as they are stored; None where it is doubtful.

    It always is where nothing was compiled. Texts are codes into a dictionary that all
    columns share, or strings where they hardly repeat. What lies before `start` is passed
    over; a text of over `longest` bytes is doubtful. `lines` are counted where they are not given.
    """
    compiled = functions()
    if compiled is None or len(layout.fields) > _MOST_FIELDS:
        return None
    if not hasattr(_of_thread, "reader"):
        _of_thread.reader = _Reader(compiled)
    reader: _Reader = _of_thread.reader
    return reader.read(pa.py_buffer(block).slice(start), layout, longest, lines)


def renumbered(column: pa.ChunkedArray, words: pa.Array) -> pa.DictionaryArray | None:
    """Return codes into `words`, whatever shorter dictionary a chunk has, as codes into those that occur.

    None where nothing was compiled.
    """
    compiled = functions()
    if compiled is None:
        return None
    codes, codes_of = pa.allocate_buffer(len(column) * 4), pa.allocate_buffer(len(words) * 4)
    numbers = _numbers_of_words(len(words))
    count = at = 0
    for chunk in column.chunks:
        valid, old = chunk.indices.buffers()
        count = compiled.flowdb_renumber(
            old.address + chunk.offset * 4,
            len(chunk),
            valid.address if valid is not None and chunk.null_count else None,
            chunk.offset,
            numbers.address,
            codes_of.address,
            count,
            codes.address + at * 4,
        )
        at += len(chunk)
    occurring = words.take(pa.Array.from_buffers(pa.int32(), count, [None, codes_of]))
    valid = pa.concat_arrays(column.is_valid().chunks).buffers()[1] if column.null_count else None
    indices = pa.Array.from_buffers(pa.int32(), len(column), [valid, codes], column.null_count)
    return pa.DictionaryArray.from_arrays(indices, occurring, safe=False)


def _numbers_of_words(count: int) -> pa.Buffer:
    """Return this thread's memory for the numbers that codes are given, none of which is given yet."""
    numbers: pa.Buffer | None = getattr(_of_thread, "numbers", None)
    if numbers is None or numbers.size < count * 4:
        numbers = _of_thread.numbers = pa.allocate_buffer(count * 4)
    ctypes.memset(numbers.address, 0xFF, count * 4)
    return numbers


_Buffers = tuple[pa.Buffer, pa.Buffer]


class _Reader:
    """What one thread reads with: it knows the texts that it has met, until they are too many."""

    def __init__(self, compiled: ctypes.CDLL) -> None:
        self._compiled = compiled
        self._handle = compiled.flowdb_open()
        weakref.finalize(self, compiled.flowdb_close, self._handle)
        self._words = texts([])

    def read(
        self, text: pa.Buffer, layout: Layout, longest: int, lines: int | None = None
    ) -> list[pa.Array] | None:
        """Return the columns of a clean block; None where it is doubtful."""
        compiled, told = self._compiled, _told(layout, longest)
        rows = compiled.flowdb_lines(text.address, text.size) if lines is None else lines
        columns = (_Column * len(layout.fields)).from_buffer_copy(told)
        buffers: list[_Buffers] = []
        for column in columns:
            values = pa.allocate_buffer((rows + 1) * column.width)
            valid = pa.allocate_buffer((rows + 7) // 8)
            column.values, column.valid = values.address, valid.address
            buffers.append((values, valid))
        if len(self._words) > _MOST_WORDS or compiled.flowdb_words_size(self._handle) > _MOST_BYTES:
            compiled.flowdb_forget(self._handle)
            self._words = texts([])
        read = compiled.flowdb_read(
            self._handle, text.address, text.size, len(columns), rows, ctypes.addressof(columns)
        )
        self._take_words()
        if read < 0:
            return None
        return [
            self._texts(column, rows, *of_one) if one.kind.is_text else _numbers(column, one, rows, *of_one)
            for one, column, of_one in zip(layout.fields, columns, buffers, strict=True)
        ]

    def _take_words(self) -> None:
        """Make a dictionary of the words that are known now, if they are others than before."""
        count = self._compiled.flowdb_words(self._handle)
        if count == len(self._words):
            return
        offsets = pa.allocate_buffer((count + 1) * 4)
        text = pa.allocate_buffer(self._compiled.flowdb_words_size(self._handle))
        self._compiled.flowdb_copy_words(self._handle, offsets.address, text.address)
        self._words = pa.Array.from_buffers(pa.string(), count, [None, offsets, text], 0)

    def _texts(self, column: _Column, rows: int, values: pa.Buffer, valid: pa.Buffer) -> pa.Array:
        validity = valid if column.nulls else None
        if not column.text:
            codes = pa.Array.from_buffers(
                pa.int32(), rows, [validity, values.slice(0, rows * 4)], column.nulls
            )
            return pa.DictionaryArray.from_arrays(codes, self._words, safe=False)
        size = int.from_bytes(values.slice(rows * 4), "little")
        text = pa.allocate_buffer(size)
        ctypes.memmove(text.address, column.text, size)
        return pa.Array.from_buffers(pa.string(), rows, [validity, values, text], column.nulls)


def _numbers(column: _Column, one: Field, rows: int, values: pa.Buffer, valid: pa.Buffer) -> pa.Array:
    validity = valid if column.nulls else None
    return pa.Array.from_buffers(
        arrow_type(one.kind), rows, [validity, values.slice(0, rows * column.width)], column.nulls
    )


@lru_cache(maxsize=64)
def _told(layout: Layout, longest: int) -> bytes:
    """Return the columns that native.c is told of, without places for what it reads."""
    columns = []
    for one in layout.fields:
        if one.kind.is_text:
            columns.append(_Column(largest=longest, scale=0, width=4))
        else:
            scale = 1000 if one.kind is Kind.TIME else 1
            width = arrow_type(one.kind).bit_width // 8
            columns.append(_Column(largest=one.kind.largest, scale=scale, width=width))
    return bytes((_Column * len(columns))(*columns))


_of_thread = threading.local()
