"""How records were delivered: from the bytes of a source to plain blocks of record lines.

The shape is known by content, not by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from gzip import BadGzipFile
from io import BufferedReader

from isal import igzip, isal_zlib

__all__ = ["BLOCK_SIZE", "CUT", "Damaged", "Text", "blocks"]

BLOCK_SIZE = 8 << 20
CUT = b"\0cut"
"""The end of a line that was too long: no record ends so."""
_LONGEST_LINE_KEPT = 1 << 20
_GZIP = b"\x1f\x8b"
_PEEKED = 4096


class Damaged(ValueError):
    """A source whose bytes are not what they claim to be; the message says how."""


class Text:
    """The plain text of a source: gzip, of any number of members, is decompressed.

    `size` counts the bytes of text read so far. Reading on where the compression breaks
    raises `Damaged`.
    """

    def __init__(self, stream: BufferedReader) -> None:
        head = stream.peek(_PEEKED)[:_PEEKED]
        self._stream: BufferedReader | igzip.IGzipFile = stream
        if head.startswith(_GZIP):
            self._stream = igzip.IGzipFile(fileobj=stream, mode="rb")  # type: ignore[no-untyped-call]
        self.size = 0

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes of text, fewer only at the end."""
        try:
            chunk = self._stream.read(size)
        except EOFError:
            raise Damaged("its gzip data is cut short") from None
        except (isal_zlib.error, BadGzipFile) as error:  # type: ignore[misc]
            raise Damaged(f"its gzip data is damaged ({error})") from None
        self.size += len(chunk)
        return chunk


def blocks(text: Text, size: int = BLOCK_SIZE) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines, each of about `size` bytes and never over twice that.

    Only the last block may lack its final newline. A line longer than `size` ends in `CUT`
    where its rest is left out.
    """
    rest = b""
    cut = False
    while chunk := text.read(size):
        is_last = len(chunk) < size
        if cut:
            newline = chunk.find(b"\n") + 1
            if not newline:
                continue
            yield rest + b"\n"
            rest, cut, chunk = b"", False, chunk[newline:]
        end = len(chunk) if is_last else chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end]
            rest = chunk[end:]
        else:
            rest += chunk
            if len(rest) > max(size, _LONGEST_LINE_KEPT):
                rest, cut = rest[:_LONGEST_LINE_KEPT] + CUT, True
    if rest:
        yield rest
