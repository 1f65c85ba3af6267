"""Lines in blocks: whole ones of a text, read piece by piece, and those gathered from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from flowdb.compression import Text

__all__ = ["BLOCK_SIZE", "CUT", "blank_until", "blocks", "first_lines", "gathered"]

BLOCK_SIZE = 8 << 20
CUT = b"\0cut"
"""The end of a line that was too long: no record ends so."""
_LONGEST_LINE_KEPT = 1 << 20
_GATHERED = 1 << 20
_BLANKS = {False: re.compile(rb"[ \r]*"), True: re.compile(rb"[ \r\n]*")}
_MARK = b"\xef\xbb\xbf"


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


def gathered(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Yield messages as lines, in blocks; one of several lines cannot be a record, and stays one line."""
    waiting: list[bytes] = []
    size = 0
    for message in messages:
        line = message.rstrip(b"\r\n").replace(b"\n", b"\r")
        waiting.append(line[:_LONGEST_LINE_KEPT] + CUT if len(line) > BLOCK_SIZE else line)
        size += len(line)
        if size > _GATHERED:
            yield b"\n".join([*waiting, b""])
            waiting, size = [], 0
    if waiting:
        yield b"\n".join([*waiting, b""])


def blank_until(text: bytes, *, lines: bool = False) -> int:
    """Return where the spaces and byte-order marks that a text begins with end, or blank `lines` too."""
    at = 0
    while found := _BLANKS[lines].match(text, at):
        at = found.end()
        if not text.startswith(_MARK, at):
            break
        at += len(_MARK)
    return at


def first_lines(start: bytes, count: int) -> list[bytes]:
    """Return the first lines of a text that are not blank, `count` of them at most."""
    at = blank_until(start, lines=True)
    lines: list[bytes] = []
    while len(lines) < count and at < len(start):
        end = start.find(b"\n", at)
        end = len(start) if end < 0 else end
        if line := start[at:end].strip(b" \r"):
            lines.append(line)
        at = end + 1
    return lines
