"""The plain bytes of a source: compression is known by content, not by name, and undone, however deep."""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable
from gzip import BadGzipFile
from typing import TypeVar, cast

import pyarrow as pa
from isal import igzip, isal_zlib

__all__ = ["COMPRESSIONS", "LARGEST_EXPANSION", "LARGEST_RATIO", "Damaged", "Expansion", "Text", "TooLarge"]

LARGEST_EXPANSION = 1 << 30
"""Bytes: what a source unpacks to may be so much, however few it has."""
LARGEST_RATIO = 250
"""What a source unpacks to may be so many times its size as delivered, however much it is; logs reach 40."""
_PEEKED = 4096
_DEEPEST = 3
_CHUNK = 1 << 18
_PIECE = 1 << 18
_Found = TypeVar("_Found")


class Damaged(ValueError):
    """A source whose bytes are not what they claim to be; the message says how."""


class TooLarge(Damaged):
    """A source that unpacks to far more than a log would: made to fill memory or disk."""


class Expansion:
    """What a source has unpacked to so far, at every depth and in all its files together.

    It is too much over `LARGEST_EXPANSION` bytes and `LARGEST_RATIO` times what was read of the
    source as it is `delivered`.
    """

    def __init__(self, delivered: io.BufferedReader) -> None:
        self._delivered = delivered
        self._size = 0

    def add(self, count: int) -> None:
        """Count bytes that came out of something smaller; raises `TooLarge`."""
        self._size += count
        if self._size > LARGEST_EXPANSION and self._size > LARGEST_RATIO * self._delivered.tell():
            raise TooLarge(
                f"it unpacks to more than {LARGEST_RATIO} times its size, which no flow log does;"
                " if it is one, unpack it yourself and ingest the plain text"
            )


class Text:
    """The plain bytes of a source; compressed data, of any number of members, is decompressed.

    `size` counts the bytes read so far. Reading on where the compression breaks raises
    `Damaged`. `expansion` is that of the source which this is a part of, by default all of it.
    """

    def __init__(self, stream: io.BufferedReader, expansion: Expansion | None = None) -> None:
        self._stream = stream
        self._name = ""
        self.expansion = expansion or Expansion(stream)
        for _ in range(_DEEPEST):
            head = self._tried(lambda: self._stream.peek(_PEEKED)[:_PEEKED])
            opener = next((one for magic, one in _OPENERS.items() if head.startswith(magic)), None)
            if opener is None:
                break
            if self._name:
                self._stream = io.BufferedReader(_Counted(self._stream, self.expansion), _CHUNK)
            self._name = _NAMES[opener]
            self._stream = opener(self._stream)
        self._ahead = b""
        self._taken = 0
        self.size = 0

    def start(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end; they can be read still."""
        self._ahead, self._taken = self.read(size) + self._ahead[self._taken :], 0
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        ahead = self._ahead[self._taken : self._taken + size]
        self._taken += len(ahead)
        if self._taken == len(self._ahead):
            self._ahead, self._taken = b"", 0
        chunk = self._tried(lambda: self._stream.read(size - len(ahead)))
        self.size += len(chunk)
        if self._name:
            self.expansion.add(len(chunk))
        return ahead + chunk

    def readinto(self, room: memoryview) -> int:
        """Fill the room with the next bytes, and return how many they are, fewer only at the end.

        It is filled a piece at a time: a piece is small enough to be in memory that was used before.
        """
        count = len(ahead := self._ahead[self._taken : self._taken + len(room)])
        room[:count] = ahead
        self._taken += count
        before = count
        while count < len(room):
            piece = room[count : count + _PIECE]
            found = self._tried(lambda: self._stream.readinto(piece))  # noqa: B023 -- it is called at once
            if not found:
                break
            count += found
        self.size += count - before
        if self._name:
            self.expansion.add(count - before)
        return count

    def _tried(self, read: Callable[[], _Found]) -> _Found:
        try:
            return read()
        except EOFError:
            raise Damaged(f"its {self._name} data is cut short") from None
        except (isal_zlib.error, BadGzipFile, lzma.LZMAError, _Broken) as error:  # type: ignore[misc]
            raise Damaged(f"its {self._name} data is damaged ({error})") from None


class _Counted(io.RawIOBase):
    """What was decompressed and is compressed still: as much an expansion as the text is."""

    def __init__(self, stream: io.BufferedReader, expansion: Expansion) -> None:
        self._stream = stream
        self._expansion = expansion

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into the buffer, and count what was read."""
        chunk = self._stream.read(len(buffer))
        self._expansion.add(len(chunk))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Broken(Exception):
    """What pyarrow says of compressed data that it cannot read."""


class _Feed(io.RawIOBase):
    """What pyarrow reads compressed data from; keeps what fails there, which is not pyarrow's to report."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, fewer than `size` only at the end."""
        try:
            return self._stream.read(size)
        except BaseException as error:
            self.failure = error
            raise


class _ByArrow(io.RawIOBase):
    """A stream that pyarrow decompresses: strict about what lies behind the last member."""

    def __init__(self, stream: io.BufferedReader, compression: str) -> None:
        self._feed = _Feed(stream)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._feed, mode="r"), compression)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with decompressed bytes."""
        try:
            chunk = self._stream.read(len(buffer))
        except (OSError, pa.ArrowException) as error:
            if self._feed.failure is not None:
                raise self._feed.failure from None
            if "Truncated" in str(error):
                raise EOFError from None
            raise _Broken(str(error)) from None
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Xz(io.RawIOBase):
    """A stream of xz members, with padding behind each."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._source = stream
        self._member = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        self._rest = b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with decompressed bytes."""
        while True:
            if self._member.eof:
                self._rest = (self._member.unused_data + self._rest).lstrip(b"\0")
                self._rest = self._rest or self._source.read(_CHUNK).lstrip(b"\0")
                if not self._rest and not self._source.peek(1):
                    return 0
                if not self._rest:
                    continue
                self._member = lzma.LZMADecompressor(lzma.FORMAT_XZ)
            given = self._rest or (self._source.read(_CHUNK) if self._member.needs_input else b"")
            if not given and self._member.needs_input:
                raise EOFError
            self._rest = b""
            chunk = self._member.decompress(given, len(buffer))
            if chunk:
                buffer[: len(chunk)] = chunk
                return len(chunk)


def _gzip(stream: io.BufferedReader) -> io.BufferedReader:
    return cast(io.BufferedReader, igzip.IGzipFile(fileobj=stream, mode="rb"))  # type: ignore[no-untyped-call]


def _xz(stream: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(_Xz(stream), _CHUNK)


def _zstd(stream: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(_ByArrow(stream, "zstd"), _CHUNK)


def _lz4(stream: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(_ByArrow(stream, "lz4"), _CHUNK)


def _bz2(stream: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(_ByArrow(stream, "bz2"), _CHUNK)


_OPENERS = {
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"BZh": _bz2,
    b"\xfd7zXZ\0": _xz,
    b"\x04\x22\x4d\x18": _lz4,
}
_NAMES = {_gzip: "gzip", _zstd: "zstd", _bz2: "bzip2", _xz: "xz", _lz4: "lz4"}
COMPRESSIONS: dict[str, bytes] = {_NAMES[opener]: magic for magic, opener in _OPENERS.items()}
"""The compressions that are undone, and the bytes that each begins with."""
