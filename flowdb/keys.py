"""What the paths of log objects tell: when, where and for whom they were delivered, and so which to take."""

from __future__ import annotations

import os
import re
from calendar import monthrange
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flowdb.errors import ParameterError
from flowdb.parameters import moment

__all__ = ["Choice", "is_expected", "is_log", "is_other_service", "named_time"]

_EXPECTED = (".log", ".log.gz", ".log.parquet")
_ENDINGS = (
    *(".log", ".gz", ".parquet", ".json", ".jsonl", ".ndjson", ".csv", ".txt", ".dat"),
    *(".zst", ".bz2", ".xz", ".lz4", ".zip", ".tgz", ".tar"),
)
_TEST_OBJECT = "aws-logs-write-test"  # what AWS leaves in a bucket to see whether it may write

# Patterns search a path that begins with a slash; that of a folder ends with one as well.
_ACCOUNT = re.compile(r"(?:/AWSLogs/(?:o-[a-z0-9]+/)?|/aws-account-id=)(\d{12})/")
_SERVICE = re.compile(
    r"/AWSLogs/(?:o-[a-z0-9]+/)?(?:aws-account-id=)?\d{12}/(?!(?:aws-service=)?vpcflowlogs/)[^/]+/"
)
_REGION_NAME = r"[a-z]{2,}(?:-[a-z]+)+-\d+"
_REGION = re.compile(rf"(?:/vpcflowlogs/|/aws-region=)({_REGION_NAME})/")
_MONTH = re.compile(rf"(?:/vpcflowlogs/{_REGION_NAME}/|/year=)(\d{{4}})/(?:(?:month=)?(\d{{2}})/)?")
_DAY = re.compile(r"/(?:year=)?(\d{4})/(?:month=)?(\d{2})/(?:day=)?(\d{2})(?=/)")
_NAME = re.compile(rf"/(\d{{12}})_vpcflowlogs_({_REGION_NAME})_fl-[^/]*\Z")
_NAME_TIME = re.compile(r"_(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z_")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which objects to look at, by what their paths tell; one whose path does not tell is taken.

    `since` (included) and `until` (excluded) are UTC without a zone and are about records. An
    object is delivered under the time of its records' end, or later, so those of a day before
    and a day after are taken too: rows are never filtered. No accounts or regions are all.
    """

    since: datetime | None = None
    until: datetime | None = None
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    @staticmethod
    def of(
        since: object = None,
        until: object = None,
        accounts: str | Iterable[str] = (),
        regions: str | Iterable[str] = (),
    ) -> Choice:
        """Return the choice that these values mean; raises `ParameterError` for one that has no meaning."""
        return Choice(
            _moment("since", since),
            _moment("until", until),
            _words("accounts", accounts, r"\d{12}", "account ids of 12 digits"),
            _words("regions", regions, _REGION_NAME, "regions such as us-east-1"),
        )

    def __bool__(self) -> bool:
        return self != Choice()

    def allows(self, path: str) -> bool:
        """Tell whether an object, or one in a folder, whose path ends with a slash, may be meant."""
        is_any_time = self.since is None and self.until is None
        if is_any_time and not self.accounts and not self.regions:
            return True
        path = _slashed(path)
        named = _NAME.search(path)
        for pattern, group, chosen in ((_ACCOUNT, 1, self.accounts), (_REGION, 2, self.regions)):
            if chosen:
                match = pattern.search(path)
                told = match[1] if match else named[group] if named else None
                if told is not None and told not in chosen:
                    return False
        if is_any_time:
            return True
        days = _days(path)
        return days is None or (days[0] <= self._last_day and self._first_day <= days[1])

    def is_settled(self, folder: str) -> bool:
        """Tell whether no folder below this one can be left out, so that all can be listed at once."""
        folder = _slashed(folder)
        if self.since is not None or self.until is not None:
            return bool(_DAY.search(folder))
        return not self or bool(_REGION.search(folder))

    @property
    def _first_day(self) -> date:
        with suppress(OverflowError):
            if self.since is not None:
                return self.since.date() - _ONE_DAY
        return date.min

    @property
    def _last_day(self) -> date:
        with suppress(OverflowError):
            if self.until is not None:
                return (self.until - timedelta(microseconds=1)).date() + _ONE_DAY
        return date.max


def is_log(name: str) -> bool:
    """Tell whether a file of this name, met in a folder, may hold flow logs, as delivered or as packed later.

    What Firehose delivers has no dot in its name.
    """
    if name.startswith(".") or name == _TEST_OBJECT:
        return False
    return "." not in name or name.lower().endswith(_ENDINGS)


def is_expected(name: str) -> bool:
    """Tell whether a file of this name has to be a flow log."""
    return name.lower().endswith(_EXPECTED)


def is_other_service(path: str, place: str) -> bool:
    """Tell whether a path below a place, a folder, is one where AWS delivers another service's logs."""
    match = _SERVICE.search(_slashed(path))
    return match is not None and match.end() > len(_slashed(place))


def named_time(path: str) -> datetime | None:
    """Return when an object was delivered, UTC: by its name, else by its folder, else None."""
    path = _slashed(path)
    for pattern in (_NAME_TIME, _DAY):
        for match in pattern.finditer(path):
            with suppress(ValueError):
                return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    return None


def _days(path: str) -> tuple[date, date] | None:
    """Return the first and the last day that a slashed path is of, or None."""
    if time := named_time(path):
        return time.date(), time.date()
    if match := _MONTH.search(path):
        year, first, last = int(match[1]), int(match[2] or 1), int(match[2] or 12)
        with suppress(ValueError):
            return date(year, first, 1), date(year, last, monthrange(year, last)[1])
    return None


def _slashed(path: str) -> str:
    """Return a path in the form that the patterns search."""
    path = path.replace(os.sep, "/")
    return path if path.startswith("/") else f"/{path}"


def _moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    time = moment(value)
    if time is None:
        raise ParameterError("ingest", name, value, "a time such as 2024-01-15T10:00")
    return time


def _words(name: str, values: str | Iterable[str], pattern: str, expected: str) -> tuple[str, ...]:
    words = (values,) if isinstance(values, str) else tuple(values)
    for word in words:
        if not isinstance(word, str) or not re.fullmatch(pattern, word):
            raise ParameterError("ingest", name, word, expected)
    return words
