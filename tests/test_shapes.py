"""From the bytes of a source to blocks of whole lines."""

from __future__ import annotations

import gzip
from io import BufferedReader, BytesIO

import pytest

from flowdb.compression import Damaged, Text
from flowdb.lines import CUT, blocks

CONTENT = b"".join(b"line %d\n" % n for n in range(1000))


def text_of(data: bytes) -> Text:
    """Open the bytes of a source."""
    return Text(BufferedReader(BytesIO(data)))


def read(data: bytes, size: int = 1 << 20) -> bytes:
    """Return all text of a source."""
    return b"".join(blocks(text_of(data), size))


def test_plain_text_and_gzip_are_known_by_content() -> None:
    assert read(CONTENT) == CONTENT
    assert read(gzip.compress(CONTENT)) == CONTENT


def test_all_members_of_a_gzip_are_read() -> None:
    parts = [CONTENT[:100], b"", CONTENT[100:5000], CONTENT[5000:]]
    assert read(b"".join(map(gzip.compress, parts))) == CONTENT


def test_text_counts_what_was_read() -> None:
    text = text_of(gzip.compress(CONTENT))
    assert b"".join(blocks(text, 100)) == CONTENT
    assert text.size == len(CONTENT)


@pytest.mark.parametrize("kept", [1, 10, 20, -1, -8, -9])
def test_a_gzip_that_is_cut_short_is_damaged(kept: int) -> None:
    with pytest.raises(Damaged, match=r"cut short|damaged"):
        read(gzip.compress(CONTENT)[:kept] if kept != 1 else b"\x1f\x8b")


def test_a_gzip_with_a_wrong_byte_is_damaged() -> None:
    data = bytearray(gzip.compress(CONTENT))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(Damaged, match="its gzip data is damaged"):
        read(bytes(data))


def test_a_gzip_with_a_wrong_checksum_is_damaged() -> None:
    data = bytearray(gzip.compress(CONTENT))
    data[-8] ^= 0xFF
    with pytest.raises(Damaged, match="its gzip data is damaged"):
        read(bytes(data))


def test_a_gzip_with_garbage_behind_it_is_damaged() -> None:
    with pytest.raises(Damaged, match="its gzip data is damaged"):
        read(gzip.compress(CONTENT) + b"garbage" * 9)


@pytest.mark.parametrize("size", [9, 64, 1000, 8889, 8890, 8891])
def test_blocks_are_whole_lines_of_about_the_size(size: int) -> None:
    found = list(blocks(text_of(CONTENT), size))
    assert b"".join(found) == CONTENT
    assert all(block.endswith(b"\n") and len(block) < 2 * size for block in found)


def test_the_last_block_may_lack_its_newline() -> None:
    assert list(blocks(text_of(b"a\nb\nc"), 3)) == [b"a\n", b"b\nc"]


@pytest.mark.parametrize("last", [b"", b"b", b"b\n", b"b\n" * 700_000, b"y" * 9_000_000 + b"\nb\n"])
def test_of_a_line_longer_than_memory_the_beginning_is_kept_and_marked_as_cut(last: bytes) -> None:
    found = b"".join(blocks(text_of(b"a\n" + b"x" * 9_000_000 + b"\n" + last), 1 << 20))
    long = {char * (1 << 20) + CUT for char in (b"x", b"y")}
    assert [b"long" if line in long else line for line in found.splitlines()] == [
        b"a",
        b"long",
        *(b"long" if len(line) > 1 << 20 else line for line in last.splitlines()),
    ]
