"""Finds log objects, tells when they were written, and opens them while taking their fingerprint."""

from __future__ import annotations

import gc
import glob
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from flowdb.errors import NoSources, SourceError, SourceNotFound
from flowdb.keys import Choice, is_expected, is_log, is_other_service, named_time
from flowdb.urls import is_url

if TYPE_CHECKING:
    from flowdb.remote import RemoteFile, RemoteObject, Remotes

__all__ = ["Found", "Opened", "Source", "find", "fingerprint", "uncollected", "uri_of"]

# The files of a store of flowdb, or of a Delta table such as a lake has, are no sources.
_STORE, _LOG = "catalog.sqlite", "_delta_log"
_CHUNK = 1 << 20
_LATEST = 2**63 - 1  # nanoseconds since 1970, in the year 2262

_Listed = Callable[[int], None] | None


@dataclass(frozen=True, slots=True)
class Source:
    """One log object: where it is, its size in bytes, when it was last written (nanoseconds since 1970).

    `uri` is the absolute path as text that can be stored and shown whatever bytes it has, or a
    URL without anything secret; `time` tells when its records were delivered, UTC: by its
    name, else by its folder, else by its last change. It `is_expected` to be a flow log if it
    has the name of one, or was not met in a folder. `remote` is what is behind a URL.
    """

    path: str
    size: int
    modified: int
    uri: str
    time: datetime
    is_expected: bool = True
    remote: RemoteObject | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.uri.rpartition("/" if self.remote else os.sep)[2]

    def begin(self) -> None:
        """Have the beginning of a remote source fetched; it is kept until `release`."""
        if self.remote is not None:
            self.remote.begin()

    def release(self) -> None:
        """Forget what was fetched."""
        if self.remote is not None:
            self.remote.release()


@dataclass(slots=True)
class Found:
    """What a search found: sources, oldest first; places without any; other files; what failed.

    Remote sources can be opened until it is closed.
    """

    sources: list[Source] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    ignored: int = 0
    failures: list[SourceError] = field(default_factory=list)
    remotes: Remotes | None = field(default=None, repr=False)

    def close(self) -> None:
        """Fetch nothing more."""
        if self.remotes is not None:
            self.remotes.close()


def find(
    places: Iterable[str | os.PathLike[str]],
    choice: Choice = Choice(),  # noqa: B008 -- it cannot be changed
    storage: Mapping[str, object] | None = None,
    listed: Callable[[int], None] | None = None,
) -> Found:
    """Return the log objects at files, in folders at any depth, by glob patterns and behind URLs.

    A file that is named, or that a pattern matches, is taken whatever its ending; symbolic
    links in a folder are followed only inside it. Of all these the choice leaves out what is
    of another time, account or region by its path. `storage` has options for the URLs' file
    systems. `listed` is told, by any thread, how many more objects were listed.
    Raises `SourceNotFound` for a place that does not exist and `NoSources` when there is nothing
    anywhere; one that cannot be looked at is among the failures.
    """
    found = Found()
    by_uri: dict[str, Source] = {}
    last = ""
    try:
        for place in places:
            place = os.fspath(place)
            failures = len(found.failures)
            last, here = (
                _at_url(place, found, choice, storage or {}, listed)
                if is_url(place)
                else (place, _at_path(place, found, choice, listed))
            )
            if not here and len(found.failures) == failures:
                found.empty.append(last)
            by_uri.update((source.uri, source) for source in here)
        if not by_uri and not found.failures:
            raise NoSources(last, found.ignored, is_chosen=bool(choice))
    except BaseException:
        found.close()
        raise
    with uncollected():
        found.sources = sorted(by_uri.values(), key=attrgetter("time", "uri"))
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold back Python's search for cycles, which among many new objects takes long and finds none."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


class Opened(io.RawIOBase):
    """A source that is being read: `count` bytes so far, and their fingerprint."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.count = 0
        self._hash = xxhash.xxh3_128()
        self._file: io.FileIO | RemoteFile
        if source.remote is not None:
            self._file = source.remote.open()
            return
        try:
            self._file = io.FileIO(source.path)
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

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self.count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def has_changed(self) -> bool:
        """Tell whether the file is another one, by size or time, than when it was found."""
        if not isinstance(self._file, io.FileIO):
            return self._file.has_changed()
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
        source.release()
        return opened.fingerprint


def _at_url(
    url: str, found: Found, choice: Choice, storage: Mapping[str, object], listed: _Listed
) -> tuple[str, list[Source]]:
    """Return a URL as it may be shown, and what it stands for."""
    from flowdb.places import Place
    from flowdb.remote import Remotes

    if found.remotes is None:
        found.remotes = Remotes(storage, listed)
    place = Place(url, found.remotes, choice)
    here: list[Source] = []
    for one in place.expand():
        if not isinstance(one, str):
            if choice.allows(one.path):
                here.append(_remote_source(one, is_expected=True))
            continue
        objects = list(place.below(one))
        stores = tuple({store for each in objects if (store := _store_around(each.path))})
        for each in objects:
            name = each.path.rpartition("/")[2]
            if not is_log(name) or is_other_service(each.path, one) or each.path.startswith(stores):
                found.ignored += 1
            elif choice.allows(each.path):
                here.append(_remote_source(each, is_expected=is_expected(name)))
    found.failures += place.failures
    return place.uri, here


def _store_around(path: str) -> str:
    """Return the folder that an object makes known as a store or a Delta table, if it does."""
    if path.endswith(f"/{_STORE}"):
        return path.removesuffix(_STORE)
    table, log, _ = path.rpartition(f"/{_LOG}/")
    return f"{table}/" if log else ""


def _remote_source(one: RemoteObject, *, is_expected: bool) -> Source:
    time = named_time(one.uri) or datetime.fromtimestamp(one.modified / 1e9, UTC)
    return Source(one.path, one.size, one.modified, one.uri, time, is_expected, one)


def _at_path(place: str, found: Found, choice: Choice, listed: _Listed) -> list[Source]:
    """Return what a file, folder or pattern stands for."""
    here: list[Source] = []
    walked: tuple[str, ...] = ()
    for path in _expand(place, found):
        if path.startswith(walked):
            continue
        if os.path.isdir(path):
            with uncollected():
                here += _walk(path, found, choice, listed)
            walked += (os.path.join(path, ""),)
        elif choice.allows(path):
            _take(path, here, found, is_expected=True)
    return here


def _expand(place: str, found: Found) -> list[str]:
    """Return the absolute paths that a place stands for; note it as a failure if it cannot be looked at."""
    path = os.path.expanduser(place)
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        matches = _matches(path) if glob.has_magic(path) else []
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


def _matches(pattern: str) -> list[str]:
    """Return the paths that a pattern matches; `**` goes through no link, so that none leads in circles."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return sorted(glob.glob(pattern))
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:first])
    found = (path for path in base.glob(os.path.join(*parts[first:])))
    return sorted(str(path) for path in found if not _is_hidden(path.relative_to(base)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


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


def _walk(folder: str, found: Found, choice: Choice, listed: _Listed) -> list[Source]:
    """Return the logs in a folder, at any depth; count other files, and note folders that cannot be read."""
    logs: list[Source] = []
    inside = os.path.realpath(folder) + os.sep
    top = os.path.join(folder, "")
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as scanned:
                entries = list(scanned)
        except OSError as error:
            found.failures.append(SourceError(uri_of(here), f"it cannot be read ({error.strerror or error})"))
            continue
        if any(entry.name in (_STORE, _LOG) for entry in entries):
            continue
        if listed is not None:
            listed(len(entries))
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                path = os.path.join(entry.path, "")
                if choice.allows(path) and not is_other_service(path, top):
                    waiting.append(entry.path)
            elif not is_log(entry.name):
                found.ignored += 1
            elif choice.allows(entry.path) and (
                not entry.is_symlink() or os.path.realpath(entry.path).startswith(inside)
            ):
                _take(entry.path, logs, found, is_expected=is_expected(entry.name))
    return logs


def _take(path: str, logs: list[Source], found: Found, *, is_expected: bool) -> None:
    """Add the source at a path to the logs, or what is wrong with it to the failures."""
    try:
        logs.append(_source(path, os.stat(path), is_expected))
    except SourceError as error:
        found.failures.append(error)
    except OSError as error:
        found.failures.append(SourceError(uri_of(path), f"it cannot be read ({error.strerror or error})"))


def _source(path: str, status: os.stat_result, is_expected: bool) -> Source:
    uri = uri_of(path)
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(uri, "it is not a regular file; write what it gives to one first")
    if abs(status.st_mtime_ns) > _LATEST:
        raise SourceError(uri, "it was last changed at a time too far away to be kept; touch it first")
    time = named_time(uri) or datetime.fromtimestamp(status.st_mtime, UTC)
    return Source(path, status.st_size, status.st_mtime_ns, uri, time, is_expected)


def uri_of(path: str) -> str:
    """Return a path as text, another for each path; what is not UTF-8 is escaped, and marked as such."""
    encoded = os.fsencode(path)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return "bytes:" + encoded.replace(b"\\", rb"\\").decode("utf-8", "backslashreplace")
