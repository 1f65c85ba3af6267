"""What options of the command line take, and the groups of them: which objects, which storage."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from flowdb.analyses import Analysis
from flowdb.completing import dates, keys
from flowdb.errors import UsageError
from flowdb.nearest import meant
from flowdb.parameters import Parameter, keys_of, moment

__all__ = [
    "EVERY",
    "LISTED",
    "Choice",
    "Moment",
    "Quantity",
    "Rows",
    "bounds_of",
    "choice_options",
    "kept_storage_options",
    "parameter_option",
    "params_of",
    "params_option",
    "storage_of",
    "storage_options",
    "utf8",
]

EVERY = object()
"""The value of `Rows` that says all."""
LISTED = "; a list is written with commas, or as @FILE, one in each line"
"""What is said of a parameter that is a list."""
_AGO = re.compile(r"(\d{1,9})([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_STORAGE: dict[str, dict[str, Any]] = {
    "profile": {"metavar": "NAME", "help": "The profile of the AWS configuration to use for S3."},
    "region": {"metavar": "REGION", "help": "The region to ask for the bucket."},
    "endpoint_url": {"metavar": "URL", "help": "Where S3 is, if not at AWS."},
    "anon": {"is_flag": True, "help": "Ask without credentials, as a public bucket allows."},
    "requester_pays": {"is_flag": True, "help": "Agree to pay for requests to the bucket."},
}

_Command = Callable[..., Any]


class Moment(click.ParamType[datetime]):
    """A time: ISO 8601, UTC unless it says otherwise, or how long ago, as in 90s, 15m, 2h, 7d, 4w."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time in UTC, without a zone."""
        if ago := _AGO.match(str(value)):
            try:
                span = timedelta(**{_UNITS[ago[2]]: int(ago[1])})
                return (datetime.now(UTC) - span).replace(tzinfo=None)
            except OverflowError:
                self.fail(f"{value!r} is longer ago than there are dates.", param, ctx)
        when = moment(value)
        if when is None:
            self.fail(
                f"{value!r} is neither a time such as 2024-01-15T10:00 nor an age such as 2h.", param, ctx
            )
        return when

    def shell_complete(
        self, ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the dates that a store has, which those that are brought in need not have."""
        return [] if ctx.info_name == "ingest" else dates(ctx, incomplete)


class Rows(click.ParamType[object]):
    """A number of rows, or `all`."""

    name = "rows"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return the number, or `EVERY`."""
        if str(value) == "all":
            return EVERY
        if not re.fullmatch(r"[0-9]{1,18}", str(value)):
            self.fail(f"{value!r} is neither a whole number, 0 or more, nor 'all'.", param, ctx)
        return int(value)


class Quantity(click.ParamType[Any]):
    """A value that a function of `flowdb.quantities` reads."""

    def __init__(self, read: Any) -> None:
        self.name = read.__name__
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value, or fail with the sentence that says what is expected."""
        try:
            return self._read(value)
        except UsageError as error:
            self.fail(f"{error}.", param, ctx)


class Choice(click.Choice[str]):
    """One of a few words; a wrong one is told which may have been meant."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what is said of a word that is none of them."""
        said = super().get_invalid_choice_message(value, ctx)
        return f"{said.removesuffix('.')}{meant(str(value), map(str, self.choices))}."


class _Values(click.ParamType[object]):
    """What a parameter takes: a number, a text, a list with commas between or as the lines of @FILE."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = parameter.type.lower()
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return the value, which the analysis checks once more."""
        if not isinstance(value, str):
            return value
        kind = self._parameter.type
        if kind.endswith("[]") and value == "all" and self._parameter.takes_none:
            return EVERY
        if kind.endswith("[]") and value.startswith("@"):
            path = Path(value[1:])
            if not path.is_file():
                self.fail(f"there is no file {value[1:]!r}.", param, ctx)
            return path
        if kind.endswith("[]"):
            return [self._number(one) if kind == "INTEGER[]" else one for one in keys_of(value)]
        return self._number(value) if kind in ("NUMBER", "INTEGER") else value

    def shell_complete(
        self, _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the keys that there are."""
        return keys(self._parameter.choices, incomplete)

    def _number(self, text: str) -> object:
        if self._parameter.type != "NUMBER":
            return int(text) if re.fullmatch(r"[0-9]{1,19}", text) else text
        try:
            return float(text)
        except ValueError:
            return text


def parameter_option(parameter: Parameter) -> click.Parameter:
    """Return the option, or the argument if it is required, that a parameter of an analysis has."""
    if parameter.is_required:
        return click.Argument([parameter.name], type=_Values(parameter), metavar=parameter.name.upper())
    kind: click.ParamType[Any] = _Values(parameter)
    metavar: str | None = parameter.name.upper()
    meaning, name = parameter.meaning, parameter.name.replace("_", "-")
    flags = f"--{name}"
    if parameter.type == "BOOLEAN":
        kind, metavar, flags = click.BOOL, None, f"--{name}/--no-{name}"
    elif parameter.type == "KEYS":
        metavar, meaning = "KEY[,KEY]", f"{meaning}: {parameter.expected}"
    elif parameter.choices:
        kind, metavar = Choice(parameter.choices, case_sensitive=False), None
    elif parameter.type == "TIMESTAMP":
        kind, metavar = Moment(), "TIME"
    elif parameter.type == "INTEGER" and parameter.takes_none:
        kind, metavar, meaning = Rows(), "N|all", meaning.replace("NULL", "all")
    elif parameter.type == "INTEGER":
        metavar = "N"
    meaning = meaning.replace("NULL for", "by default" if parameter.default is None else "all for")
    if parameter.type.endswith("[]"):
        meaning += LISTED
    default = "" if parameter.default is None else f"  [default: {_shown(parameter.default)}]"
    return click.Option(
        [flags, parameter.name],
        type=kind,
        metavar=metavar,
        default=None,
        help=f"{meaning[:1].upper()}{meaning[1:]}.{default}",
    )


params_option = click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the analysis, written as after its option. May be repeated.",
)


def params_of(analysis: Analysis, pairs: Iterable[str]) -> dict[str, object]:
    """Return what `--param` gives an analysis, or raise `UsageError`; the analysis checks the values."""
    known = {one.name: one for one in analysis.parameters}
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = utf8(pair, "a parameter").partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"{pair!r} is no parameter such as top=3")
        if name in values:
            raise UsageError(f"{analysis.name}: {name} is given twice")
        value: object = text
        if name in known:
            try:
                value = parameter_option(known[name]).type.convert(text, None, None)
            except click.BadParameter as error:
                raise UsageError(f"{analysis.name}: {name}: {error.message}") from error
        values[name] = None if value is EVERY else value
    return values


def bounds_of(day: datetime, since: object, until: object) -> dict[str, datetime]:
    """Return the `since` and `until` of a UTC day, beside which there may be no others."""
    if since is not None or until is not None:
        raise click.UsageError("--day says both --since and --until; give one or the other.")
    midnight = datetime(day.year, day.month, day.day)
    if midnight.date() == date.max:  # no day follows the last
        return {"since": midnight}
    return {"since": midnight, "until": midnight + timedelta(days=1)}


def utf8(text: str, what: str) -> str:
    """Return an argument as the text that it is in UTF-8, or raise `UsageError`, which says what it is."""
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        raise UsageError(f"{what} is not UTF-8.") from None


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def choice_options(command: _Command) -> _Command:
    """Give a command `since`, `until`, `accounts` and `regions`, as `FlowDB.ingest` takes them."""
    days = "by their folders and names, a day either side. Filters no records."
    return _with(
        command,
        click.option(
            "--since", type=Moment(), metavar="TIME", help=f"Only objects from this time on, {days}"
        ),
        click.option("--until", type=Moment(), metavar="TIME", help=f"Only objects before this time, {days}"),
        click.option(
            "--account",
            "accounts",
            multiple=True,
            metavar="ID",
            help="Only objects of this account, by their folders and names. May be repeated.",
        ),
        click.option(
            "--region-only",
            "regions",
            multiple=True,
            metavar="REGION",
            help="Only objects of this region, by their folders and names. May be repeated.",
        ),
    )


def storage_options(command: _Command) -> _Command:
    """Give a command the options of S3, of which `storage_of` makes what `FlowDB.ingest` takes."""
    return _with(command, *map(_storage_option, _STORAGE))


def kept_storage_options(command: _Command, without: Collection[str], keep: Callable[..., None]) -> _Command:
    """Give a command those options, unseen and but for some, each for `keep` and not for the command."""
    names = [name for name in _STORAGE if name not in without]
    return _with(
        command,
        *(_storage_option(name, hidden=True, expose_value=False, callback=keep) for name in names),
    )


def _storage_option(name: str, **how: Any) -> Callable[[_Command], _Command]:
    return click.option(f"--{name.replace('_', '-')}", **_STORAGE[name], **how)


def storage_of(values: dict[str, Any]) -> dict[str, object]:
    """Take the values of the storage options that were given out of those of all options."""
    return {name: value for name in _STORAGE if (value := values.pop(name, None))}


def _with(command: _Command, *options: Callable[[_Command], _Command]) -> _Command:
    """Return a command with these options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command
