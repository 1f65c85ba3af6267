"""The members of archives: a source may be a `.zip` or `.tar` of others, compressed or not."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from flowdb.compression import Damaged, Expansion, Text
from flowdb.errors import FlowdbError
from flowdb.lines import BLOCK_SIZE

__all__ = ["is_archive", "members", "spooled"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR, _TAR_AT = b"ustar", 257
_IN_MEMORY = 16 << 20
_BUFFER = 1 << 20
_DEEPEST = 4
_ABOUT_THE_NEXT = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_LONGEST_HEADER = 1 << 20
_OFTEN = 100


def members(stream: io.BufferedReader) -> Iterator[tuple[str, Text]]:
    """Yield the name and the plain bytes of every file in a source; one that is no archive has no name.

    Each is to be read before the next is asked for. What is hidden, and what is no file, is
    left out. Raises `Damaged` where an archive breaks.
    """
    yield from _members(Text(stream), "", 0)


def is_archive(start: bytes) -> bool:
    """Tell whether a content that begins so is an archive."""
    return start.startswith(_ZIP) or start.startswith(_TAR, _TAR_AT)


@contextmanager
def spooled(text: Text) -> Iterator[BinaryIO]:
    """Give the rest of a text as a file in which any place can be read, on disk if it is large."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="flowdb-") as file:
        shutil.copyfileobj(cast(IO[bytes], text), file, _BUFFER)
        file.seek(0)
        yield cast(BinaryIO, file)


def _members(text: Text, name: str, depth: int) -> Iterator[tuple[str, Text]]:
    inner = _inside(text)
    if inner is None:
        yield name, text
        return
    if depth == _DEEPEST:
        raise Damaged("it is an archive in an archive, too many times over")
    for inner_name, stream in inner:
        path = f"{name}/{inner_name}" if name else inner_name
        yield from _members(Text(stream, text.expansion), path, depth + 1)


def _inside(text: Text) -> Iterator[tuple[str, io.BufferedReader]] | None:
    start = text.start(BLOCK_SIZE)
    if start.startswith(_ZIP):
        return _of_zip(text)
    return _of_tar(text) if is_archive(start) else None


def _of_zip(text: Text) -> Iterator[tuple[str, io.BufferedReader]]:
    with spooled(text) as file, _damage("zip"), zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or _is_hidden(entry.filename):
                continue
            with archive.open(entry) as stream:
                yield entry.filename, io.BufferedReader(_Checked(stream, "zip", text.expansion), _BUFFER)


def _of_tar(text: Text) -> Iterator[tuple[str, io.BufferedReader]]:
    with (
        _damage("tar"),
        tarfile.open(fileobj=cast(IO[bytes], _Ending(text)), mode="r|", tarinfo=_Entry) as archive,
    ):
        while (entry := archive.next()) is not None:
            # They would all be kept, and be as many as the archive says.
            archive.members.clear()  # type: ignore[attr-defined]
            stream = archive.extractfile(entry) if entry.isreg() else None
            if stream is None or _is_hidden(entry.name):
                continue
            expansion = text.expansion if entry.issparse() else None
            yield entry.name, io.BufferedReader(_Checked(stream, "tar", expansion), _BUFFER)
    while rest := text.read(_BUFFER):
        if rest.strip(b"\0"):
            raise Damaged("its tar archive has something behind its end")


class _Ending:
    """The text of a tar archive; who goes on asking at its end is told that it is cut short."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._asked = 0

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        chunk = self._text.read(size)
        self._asked = 0 if chunk else self._asked + 1
        if self._asked > _OFTEN:
            raise Damaged("its tar archive is cut short")
        return chunk


class _Entry(tarfile.TarInfo):
    """A header in a tar archive; one that cannot be read is damage, and not the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Entry:
        """Return what a header says; what belongs to a header, and is read into memory, has its limit."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _ABOUT_THE_NEXT and entry.size > _LONGEST_HEADER:
            raise tarfile.InvalidHeaderError("a header is too long")  # type: ignore[attr-defined]
        return entry

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Entry:
        """Return the next entry."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


class _Checked(io.RawIOBase):
    """A member of an archive, whose damage is told as such, and which may be larger than its place there."""

    def __init__(self, stream: IO[bytes], kind: str, expansion: Expansion | None) -> None:
        self._stream = stream
        self._kind = kind
        self._expansion = expansion

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into the buffer."""
        with _damage(self._kind):
            chunk = self._stream.read(len(buffer))
        if self._expansion is not None:
            self._expansion.add(len(chunk))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in parts)


@contextmanager
def _damage(kind: str) -> Iterator[None]:
    try:
        yield
    except (Damaged, FlowdbError):
        raise
    except Exception as error:  # noqa: BLE001 -- damaged archives make their readers raise anything
        raise Damaged(f"its {kind} archive is damaged ({str(error) or type(error).__name__})") from None
