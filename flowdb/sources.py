"""Finds log objects, tells when they were written, and opens them while taking their fingerprint."""

from __future__ import annotations

import glob
import io
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import xxhash

from flowdb.errors import NoSources, SourceError, SourceNotFound

__all__ = ["Found", "Opened", "Source", "find", "fingerprint"]

_ENDINGS = (".log", ".log.gz")
_NAME_TIME = re.compile(r"_(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z_")
_FOLDER_DAY = re.compile(r"(?<=[/\\])(?:year=)?(\d{4})[/\\](?:month=)?(\d{2})[/\\](?:day=)?(\d{2})(?=[/\\])")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One log object: where it is, its size in bytes, when it was last written (nanoseconds since 1970).

    `uri` is the absolute path as text that can be stored and shown whatever bytes it has;
    `time` tells when its records were delivered, UTC: by its name, else by its folder,
    else by its last change.
    """

    path: str
    size: int
    modified: int
    uri: str
    time: datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.uri.rpartition(os.sep)[2]


@dataclass(slots=True)
class Found:
    """What a search found: sources, oldest first; places without any; other files; what failed."""

    sources: list[Source] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    ignored: int = 0
    failures: list[SourceError] = field(default_factory=list)


def find(places: Iterable[str | os.PathLike[str]]) -> Found:
    """Return the log objects at files, in folders (`*.log`, `*.log.gz` at any depth) and by glob patterns.

    A file that is named, or that a pattern matches, is taken whatever its ending. Symbolic
    links in a folder are followed only inside it. Raises `SourceNotFound` for a place that
    does not exist and `NoSources` when there is nothing anywhere; one that cannot be looked
    at is among the failures.
    """
    found = Found()
    by_uri: dict[str, Source] = {}
    last = ""
    for place in places:
        place = os.fspath(place)
        last = place
        here: list[Source] = []
        failures = len(found.failures)
        walked: tuple[str, ...] = ()
        for path in _expand(place, found):
            if path.startswith(walked):
                continue
            if os.path.isdir(path):
                here += _walk(path, found)
                walked += (os.path.join(path, ""),)
            else:
                _take(path, here, found)
        if not here and len(found.failures) == failures:
            found.empty.append(place)
        by_uri.update((source.uri, source) for source in here)
    if not by_uri and not found.failures:
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


def _expand(place: str, found: Found) -> list[str]:
    """Return the absolute paths that a place stands for; note it as a failure if it cannot be looked at."""
    path = os.path.expanduser(place)
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
        if not matches:
            raise SourceNotFound(place) from None
        return [_absolute(match) for match in matches]
    except OSError as error:
        found.failures.append(SourceError(place, f"it cannot be read ({error.strerror or error})"))
    except ValueError as error:
        found.failures.append(SourceError(place, f"it cannot be read ({error})"))
    else:
        return [_absolute(path)]
    return []


def _absolute(path: str) -> str:
    """Return the absolute path of what is there; `..` behind a link is not what stands before the link."""
    absolute = os.path.abspath(path)
    try:
        if os.path.samefile(path, absolute):
            return absolute
    except OSError:
        pass
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _walk(folder: str, found: Found) -> list[Source]:
    """Return the logs in a folder, at any depth; count other files, and note folders that cannot be read."""
    logs: list[Source] = []
    inside = os.path.realpath(folder) + os.sep
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.name.endswith(_ENDINGS):
                        found.ignored += 1
                    elif not entry.is_symlink() or os.path.realpath(entry.path).startswith(inside):
                        _take(entry.path, logs, found)
        except OSError as error:
            found.failures.append(SourceError(_uri(here), f"it cannot be read ({error.strerror or error})"))
    return logs


def _take(path: str, logs: list[Source], found: Found) -> None:
    """Add the source at a path to the logs, or what is wrong with it to the failures."""
    try:
        logs.append(_source(path, os.stat(path)))
    except SourceError as error:
        found.failures.append(error)
    except OSError as error:
        found.failures.append(SourceError(_uri(path), f"it cannot be read ({error.strerror or error})"))


def _source(path: str, status: os.stat_result) -> Source:
    uri = _uri(path)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(uri, "it is not a regular file; write what it gives to one first")
    time = _named_time(uri) or datetime.fromtimestamp(status.st_mtime, UTC)
    return Source(path, status.st_size, status.st_mtime_ns, uri, time)


def _uri(path: str) -> str:
    """Return a path as text, another for each path; what is not UTF-8 is escaped, and marked as such."""
    encoded = os.fsencode(path)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return "bytes:" + encoded.replace(b"\\", rb"\\").decode("utf-8", "backslashreplace")


def _named_time(uri: str) -> datetime | None:
    for pattern in (_NAME_TIME, _FOLDER_DAY):
        for match in pattern.finditer(uri):
            with suppress(ValueError):
                return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    return None
