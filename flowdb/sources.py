"""Finds log objects, tells when they were written, and opens them while taking their fingerprint."""

from __future__ import annotations

import glob
import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import xxhash

from flowdb.errors import NoSources, SourceError, SourceNotFound

__all__ = ["Found", "Opened", "Source", "find", "fingerprint"]

_ENDINGS = (".log", ".log.gz")
_NAME_TIME = re.compile(r"_(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z_")
_FOLDER_DAY = re.compile(r"[/\\](?:year=)?(\d{4})[/\\](?:month=)?(\d{2})[/\\](?:day=)?(\d{2})[/\\]")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One log object: where it is, its size in bytes, when it was last written (nanoseconds since 1970)."""

    path: Path
    size: int
    modified: int

    @property
    def uri(self) -> str:
        """The absolute path, as text that can be stored and shown whatever bytes it has."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.uri.rpartition(os.sep)[2]

    @property
    def time(self) -> datetime:
        """When its records were delivered, UTC: by its name, else its folder, else its last change."""
        return _named_time(self.uri) or datetime.fromtimestamp(self.modified / 1e9, UTC)


@dataclass(slots=True)
class Found:
    """What a search found: sources, oldest first; places without any; files that are not logs."""

    sources: list[Source] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    ignored: int = 0


def find(places: Iterable[str | os.PathLike[str]]) -> Found:
    """Return the log objects at files, in folders (`*.log`, `*.log.gz` at any depth) and by glob patterns.

    A file that is named, or that a pattern matches, is taken whatever its ending. Symbolic
    links in a folder are followed only inside it. Raises `SourceNotFound` for a place that
    does not exist and `NoSources` when there is nothing anywhere.
    """
    found = Found()
    by_uri: dict[str, Source] = {}
    last = ""
    for place in places:
        place = os.fspath(place)
        last = place
        here: list[Source] = []
        for path in _expand(place):
            if path.is_dir():
                logs, others = _walk(path)
                found.ignored += others
                here += logs
            else:
                here.append(_source(path))
        if not here:
            found.empty.append(place)
        by_uri.update((source.uri, source) for source in here)
    if not by_uri:
        raise NoSources(last, found.ignored)
    found.sources = sorted(by_uri.values(), key=lambda source: (source.time, source.uri))
    return found


class Opened(io.RawIOBase):
    """A source that is being read: `count` bytes so far, and their fingerprint."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.count = 0
        self._hash = xxhash.xxh3_128()
        try:
            self._file = open(source.path, "rb", buffering=0)  # noqa: SIM115 -- closed by close()
        except OSError as error:
            raise _unreadable(source, error) from error

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into the buffer, and take in what was read."""
        try:
            count = self._file.readinto(buffer) or 0
        except OSError as error:
            raise _unreadable(self._source, error) from error
        self._hash.update(memoryview(buffer)[:count])
        self.count += count
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def has_changed(self) -> bool:
        """Tell whether the file is another one, by size or time, than when it was found."""
        status = os.fstat(self._file.fileno())
        return (status.st_size, status.st_mtime_ns) != (self._source.size, self._source.modified)

    @property
    def fingerprint(self) -> str:
        """The XXH3 hash, 128 bits in hexadecimal, of all bytes read so far."""
        return self._hash.hexdigest()


def _unreadable(source: Source, error: OSError) -> SourceError:
    return SourceError(source.uri, f"it cannot be read ({error.strerror or error})")


def fingerprint(source: Source) -> str:
    """Return the fingerprint of a whole source, as `Opened` would at its end."""
    with Opened(source) as opened:
        buffer = bytearray(_CHUNK)
        while opened.readinto(buffer):
            pass
        return opened.fingerprint


def _expand(place: str) -> list[Path]:
    path = Path(place).expanduser()
    if path.exists():
        return [path.absolute()]
    matches = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(place) else []
    if not matches:
        raise SourceNotFound(place)
    return [Path(match).absolute() for match in matches]


def _walk(folder: Path) -> tuple[list[Source], int]:
    """Return the logs in a folder, at any depth, and how many other files there are."""
    logs: list[Source] = []
    others = 0
    inside = os.path.realpath(folder) + os.sep
    for path in _files(folder):
        if not path.name.endswith(_ENDINGS):
            others += 1
        elif not path.is_symlink() or os.path.realpath(path).startswith(inside):
            logs.append(_source(path))
    return logs, others


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent, name)


def _source(path: Path) -> Source:
    path = Path(os.path.normpath(path))
    status = path.stat()
    return Source(path, status.st_size, status.st_mtime_ns)


def _named_time(uri: str) -> datetime | None:
    for pattern in (_NAME_TIME, _FOLDER_DAY):
        if match := pattern.search(uri):
            try:
                return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
            except ValueError:
                continue
    return None
