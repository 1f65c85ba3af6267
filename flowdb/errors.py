"""Everything that flowdb raises on purpose.

    FlowdbError
    ├── UsageError              what was asked cannot be meant           exit 2
    │   ├── ParameterError      an analysis was given a bad parameter
    │   ├── ConfigError         a file or a variable of settings says what cannot be meant
    │   ├── SourceNotFound      a path that does not exist
    │   └── NoSources           a folder or pattern without flow logs
    ├── QueryError              the SQL, or the data under it, failed    exit 1
    │   └── DialectError        a query of another language has no translation
    ├── SourceError             one source cannot be read                exit 1
    │   ├── LayoutError         its records have no known layout
    │   ├── SourceDamaged       its compression ends early or is broken
    │   └── SourceChanged       it is in the store with other content
    ├── ClusterError            a cluster could not do its part          exit 1
    ├── WebhookError            nobody could be told of an alarm         exit 1
    ├── StateError              the file of what alarms have told        exit 1
    └── StoreError              the store itself                         exit 3
        ├── StoreMissing        there is no store at this path
        ├── NotAStore           the directory holds something else
        ├── StoreBusy           another process is writing
        ├── StoreOvertaken      another run was the first to commit
        ├── StoreReadOnly       it is a lake, or behind a URL
        ├── StoreTooNew         a later version of flowdb wrote it
        └── StoreDamaged        its catalogue cannot be read

Every error carries its facts as attributes, so that a caller need not read the
sentence; `str(error)` is that sentence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ClusterError",
    "ConfigError",
    "DialectError",
    "ExitCode",
    "FlowdbError",
    "LayoutError",
    "NoSources",
    "NotAStore",
    "ParameterError",
    "QueryError",
    "SourceChanged",
    "SourceDamaged",
    "SourceError",
    "SourceNotFound",
    "StateError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreMissing",
    "StoreOvertaken",
    "StoreReadOnly",
    "StoreTooNew",
    "UsageError",
    "WebhookError",
    "gist",
    "heard",
    "plural",
    "shortened",
]

_MOST_SHOWN = 80


_MOST_OF_A_LINE = 100


class ExitCode(IntEnum):
    """How the command line ends; `ALERT` is an alarm that fires."""

    OK = 0
    FAILED = 1
    USAGE = 2
    STORE = 3
    ALERT = 4
    INTERRUPTED = 130


class FlowdbError(Exception):
    """The root of the tree; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UsageError(FlowdbError):
    """A request that cannot be meant as it stands."""

    exit_code = ExitCode.USAGE


class ParameterError(UsageError):
    """A parameter of an analysis that is unknown, of the wrong type or out of range.

    `said`, where it is given, takes the place of "is" and the value in the sentence; `nearest` is
    a value that may have been meant.
    """

    def __init__(
        self,
        analysis: str,
        parameter: str,
        value: object,
        expected: str,
        said: str | None = None,
        nearest: str | None = None,
    ) -> None:
        self.analysis = analysis
        self.parameter = parameter
        self.value = value
        self.expected = expected
        self.nearest = nearest
        what = said or f"is {shortened(value)}"
        meant = "" if nearest is None else f" (did you mean {nearest!r}?)"
        super().__init__(f"{analysis}: {parameter} {what}{meant}; expected {expected}")


class ConfigError(UsageError):
    """Settings that are unknown or no good: the `path` of the file, or none for a variable, and the `key`."""

    def __init__(self, path: str, key: str, reason: str) -> None:
        self.path = path
        self.key = key
        self.reason = reason
        place = f"{path}: " if path and key else path
        super().__init__(f"{place}{key} {reason}")


class SourceNotFound(UsageError):
    """A path that was named and does not exist."""

    def __init__(self, path: str, reason: str = "no such file or folder") -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class NoSources(UsageError):
    """A folder, a pattern or a URL where there is nothing to ingest, or nothing of what was chosen."""

    def __init__(self, path: str, ignored: int = 0, *, is_chosen: bool = False) -> None:
        self.path = path
        self.ignored = ignored
        self.is_chosen = is_chosen
        what = "no flow logs of that time, account and region" if is_chosen else "no flow logs"
        left = (
            f"; {plural(ignored, 'other file')} left alone, which would be read if named" if ignored else ""
        )
        super().__init__(f"{path}: {what} in it{left}")


class QueryError(FlowdbError):
    """A query that DuckDB refused or could not finish; `detail` is all that DuckDB said of it."""

    def __init__(self, detail: str, sql: str | None = None) -> None:
        self.detail = detail
        self.sql = sql
        super().__init__(gist(detail))


class DialectError(QueryError):
    """A query of another language that cannot be translated, and the place in it where that shows.

    `line` and `column` count from 1; `reason` says what is wrong there, `picture` shows it: the
    line of the query, and a caret under the place, and the `translation` as far as there is one.
    """

    def __init__(self, dialect: str, query: str, offset: int, reason: str, translation: str = "") -> None:
        before = query[:offset]
        start = before.rfind("\n") + 1
        self.dialect = dialect
        self.query = query
        self.reason = reason
        self.line = before.count("\n") + 1
        self.column = offset - start + 1
        shown, place = _around(query[start:].partition("\n")[0], offset - start)
        self.translation = translation
        self.picture = f"{shown}\n{' ' * place}^"
        if translation:
            self.picture += f"\n\ntranslated so far:\n{translation}"
        super().__init__(f"{dialect}, line {self.line}, column {self.column}: {reason}\n\n{self.picture}")


class SourceError(FlowdbError):
    """A source that could not be read; the others are not affected."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{source}: {reason}")


class LayoutError(SourceError):
    """Records whose order of fields cannot be known."""


class SourceDamaged(SourceError):
    """A source that is cut short, does not decompress or has no end; `records` were read before the break."""

    def __init__(self, source: str, reason: str, records: int = 0) -> None:
        self.records = records
        super().__init__(source, reason)


class SourceChanged(SourceError):
    """A source that is in the store already, and whose content is another one now."""


class ClusterError(FlowdbError):
    """Work that a cluster gave up; `detail` is all that it said of it."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the cluster gave up: {_last_said(detail)}")


class WebhookError(FlowdbError):
    """An alarm that nobody took; of the URL, which may be a secret, it names the `host` alone."""

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        self.reason = reason
        super().__init__(f"webhook at {host}: {reason}")


class StateError(FlowdbError):
    """A file of what alarms have told that cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class StoreError(FlowdbError):
    """Something about the store as a whole."""

    exit_code = ExitCode.STORE

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class StoreMissing(StoreError):
    """No store where one was expected."""

    def __init__(
        self, path: str, reason: str = "no store here; make one with: flowdb ingest SOURCE --store DIR"
    ) -> None:
        super().__init__(path, reason)


class NotAStore(StoreError):
    """A file or a directory that holds something else."""

    def __init__(
        self, path: str, reason: str = "the directory is not empty and is not a flowdb store"
    ) -> None:
        super().__init__(path, reason)


class StoreBusy(StoreError):
    """Another process holds the store for writing."""

    def __init__(self, path: str, pid: int | None, verb: str | None, since: str | None) -> None:
        self.pid = pid
        self.verb = verb
        self.since = since
        who = f"process {pid} ({verb} since {since})" if pid is not None else "another process"
        super().__init__(path, f"{who} is writing to the store; try again when it has ended")


class StoreOvertaken(StoreError):
    """A lake to which another run committed while this one went on; nothing of this one is in it."""

    def __init__(self, path: str) -> None:
        reason = "another run wrote to it meanwhile, and nothing of this one is in it; start it again"
        super().__init__(path, reason)


class StoreReadOnly(StoreError):
    """A store that is asked from here, and changed elsewhere: a lake, or one behind a URL."""


class StoreTooNew(StoreError):
    """A store that a later version of flowdb wrote; `version` is that of its catalogue."""

    def __init__(self, path: str, version: int, known: int) -> None:
        self.version = version
        super().__init__(path, f"it has version {version}, and this flowdb reads up to version {known}")


class StoreDamaged(StoreError):
    """A store whose catalogue or files do not fit together."""


def _last_said(detail: str) -> str:
    """Return what a traceback of Python ends with, or else the first line."""
    before, found, traceback = detail.rpartition("Traceback (most recent call last):\n")
    if not found:
        return gist(detail.strip().partition("\n")[0])
    lines = [line for line in traceback.splitlines() if line and not line.startswith((" ", "\t"))]
    return gist(lines[0].partition(": ")[2] or lines[0]) if lines else gist(before)


def _around(line: str, place: int) -> tuple[str, int]:
    """Return a line as it can be shown, cut to what lies around a place, and the place in that."""
    start = max(0, place - _MOST_OF_A_LINE // 2)
    cut = line[start : start + _MOST_OF_A_LINE]
    return "".join(c if c.isprintable() else " " for c in cut), place - start


@contextmanager
def heard() -> Iterator[None]:
    """Raise `KeyboardInterrupt` for what DuckDB makes of an interrupt that it was the first to hear."""
    try:
        yield
    except RecursionError:
        raise
    except RuntimeError as error:
        raise KeyboardInterrupt from error


def gist(said: str) -> str:
    """Return what DuckDB said as one line, without the picture of the query that follows a blank line."""
    if said.startswith("Traceback"):  # of what DuckDB called in Python
        said = said.rstrip().rpartition("\n")[2]
    return " ".join(said.partition("\n\n")[0].split())


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 file`, `2,000 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shortened(value: object) -> str:
    """Return a value as Python writes it, without its middle where that is long."""
    shown = repr(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN - 20]}...{shown[-17:]}"
