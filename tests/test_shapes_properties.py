"""Compressed sources, however they were put together or damaged, give their text or say so."""

from __future__ import annotations

import gzip
import zlib
from io import BufferedReader
from pathlib import Path

import pytest

from flowdb.compression import Damaged
from flowdb.sources import Opened, find, fingerprint
from tests.conftest import HEADER, record
from tests.parsed import text

CONTENT = "\n".join([HEADER, *(record(number, bytes=number**3) for number in range(40))]).encode()
FIRST, SECOND = (gzip.compress(part, mtime=1) for part in (CONTENT[:2000], CONTENT[2000:]))


def read(data: bytes) -> bytes:
    """Return all text of a source, read in pieces."""
    source = text(data)
    return b"".join(iter(lambda: source.read(700), b""))


def is_damaged(data: bytes) -> bool:
    """Tell whether a source is said to be damaged, and not read as something else."""
    try:
        found = read(data)
    except Damaged:
        return True
    assert found == CONTENT
    return False


def test_a_gzip_cut_anywhere_but_between_members_is_damaged() -> None:
    whole = FIRST + SECOND
    assert [end for end in range(2, len(whole)) if end != len(FIRST) and not is_damaged(whole[:end])] == []
    assert read(whole[: len(FIRST)]) == CONTENT[:2000]


def test_a_byte_changed_anywhere_in_a_gzip_is_noticed_or_does_not_matter() -> None:
    data = FIRST + SECOND
    unnoticed = []
    for place in range(2, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x41
        if not is_damaged(bytes(changed)):
            unnoticed.append(place)
    # The flags, time, compression level and system of each header say nothing about the text.
    free = {*range(3, 10), *range(len(FIRST) + 3, len(FIRST) + 10)}
    assert set(unnoticed) <= free
    assert unnoticed


@pytest.mark.parametrize("tail", [b"x", b"\n", b"\x1f", b"\x1f\x8b", b"\0x", b"plain text behind the gzip\n"])
def test_anything_but_zeros_behind_a_gzip_is_damage(tail: bytes) -> None:
    assert is_damaged(FIRST + SECOND + tail)


@pytest.mark.parametrize("zeros", [1, 511, 100_000])
def test_zeros_behind_a_gzip_are_padding_and_part_of_the_fingerprint(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(FIRST + SECOND + bytes(zeros))
    (source,) = find([path]).sources
    with Opened(source) as opened:
        assert gzip.decompress(path.read_bytes()) == read(BufferedReader(opened).read()) == CONTENT
        assert opened.fingerprint == fingerprint(source)


@pytest.mark.parametrize("level", range(-1, 10))
def test_every_level_of_compression_is_read(level: int) -> None:
    packed = zlib.compressobj(level, wbits=31)
    assert read(packed.compress(CONTENT) + packed.flush()) == CONTENT


def test_a_member_with_a_name_a_comment_and_an_extra_field_is_read() -> None:
    fields = b"\x03\x00abc" + b"name.log\0" + b"a comment\0"
    assert read(b"\x1f\x8b\x08\x1c" + FIRST[4:10] + fields + FIRST[10:] + SECOND) == CONTENT
