"""Reads `sql/`: views, functions and analyses, one file each, and describes what their headers say.

An analysis is a table macro. Its file's header is its documentation; from it come the
method of `FlowDB`, the command and its options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from numbers import Integral
from pathlib import Path

from flowdb.errors import ParameterError, UsageError
from flowdb.quoting import quote_text

__all__ = ["Analysis", "Parameter", "analyses", "find_analysis", "moment", "statements"]

_FOLDERS = ("views", "functions", "analyses")
_PARAMETER = re.compile(
    r"(?P<name>\w+)\s+(?P<type>[A-Z]+(\[\])?)(\s*=\s*(?P<default>'[^']*'|[^\s{]+))?"
    r"(\s*\{(?P<choices>[^}]*)\})?\s*--\s*(?P<meaning>.*)"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as the header gives it; `default` is None for NULL."""

    name: str
    type: str
    default: str | int | None
    choices: tuple[str, ...]
    meaning: str

    def checked(self, analysis: str, value: object) -> object:
        """Return a value as DuckDB is to be given it, or raise `ParameterError`.

        A time may be a `datetime` (of any zone; without one it is UTC), a `date` (its
        midnight) or ISO 8601 text.
        """
        if value is None:
            if self.choices:
                raise ParameterError(analysis, self.name, value, self._expected())
            return None
        if self.type == "TIMESTAMP":
            when = moment(value)
            if when is not None:
                return when
        elif self.type == "INTEGER":
            if isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) < 2**63:
                return int(value)
        elif isinstance(value, str) and (not self.choices or value in self.choices):
            return value
        raise ParameterError(analysis, self.name, value, self._expected())

    def _expected(self) -> str:
        if self.choices:
            return f"one of: {', '.join(self.choices)}"
        return {"TIMESTAMP": "a date or a time (UTC)", "INTEGER": "a whole number, 0 or more"}.get(
            self.type, "a text"
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis: what its file says of it, and the statement that makes its macro."""

    name: str
    topic: str
    summary: str
    parameters: tuple[Parameter, ...]
    columns: str
    tags: tuple[str, ...]
    counts: str
    source: str
    statement: str

    @property
    def doc(self) -> str:
        """A docstring: summary, parameters, columns."""
        lines = [self.summary, ""]
        for one in self.parameters:
            default = "none" if one.default is None else repr(one.default)
            choices = f" One of: {', '.join(one.choices)}." if one.choices else ""
            lines.append(f"{one.name}: {one.meaning}.{choices} Default: {default}.")
        lines += ["", f"Columns: {self.columns}."]
        if self.counts:
            lines += ["", f"Counts: {self.counts}."]
        return "\n".join(lines)

    @property
    def script(self) -> str:
        """The file as it is: it runs in a DuckDB shell."""
        return next(_text(path) for path in _files("analyses") if path.stem == self.name)

    def call(self, values: Mapping[str, object]) -> str:
        """Return the query with these parameters written into it, for a person to paste."""
        given = ", ".join(f'"{name}" := {_literal(value)}' for name, value in values.items())
        return f"FROM {self.name}({given});"

    def query(self, values: Mapping[str, object]) -> tuple[str, dict[str, object]]:
        """Return the query that asks with these parameters, and the values to bind in it."""
        known = {one.name: one for one in self.parameters}
        for name in values:
            if name not in known:
                allowed = ", ".join(known)
                raise UsageError(f"{self.name}: no parameter {name!r}; it has: {allowed}")
        bound = {name: known[name].checked(self.name, value) for name, value in values.items()}
        given = ", ".join(f'"{name}" := ${name}' for name in bound)
        return f"FROM {self.name}({given})", bound


@cache
def analyses() -> dict[str, Analysis]:
    """Return every analysis by its name, in the order of topics and names."""
    return {path.stem: _analysis(path) for path in _files("analyses")}


def find_analysis(name: str) -> Analysis:
    """Return the analysis of this name, hyphens or underscores, or raise `UsageError`."""
    found = analyses().get(name.replace("-", "_"))
    if found is None:
        raise UsageError(f"no analysis {name!r}; there are: {', '.join(analyses())}")
    return found


@cache
def statements() -> tuple[str, ...]:
    """Return the statements that make every view, function and analysis over the view `flows`."""
    paths = [path for folder in _FOLDERS for path in _files(folder)]
    return tuple(_body(path) for path in _in_order(paths))


def _in_order(paths: Iterable[Path]) -> list[Path]:
    """Put files after those whose names they use, since what is made is made of what is there already."""
    remaining = {_used_as(path): path for path in paths}
    ordered: list[Path] = []
    while remaining:
        for name, path in list(remaining.items()):
            words = set(re.findall(r"\w+\(?", _body(path)))
            if not words & (remaining.keys() - {name}):
                ordered.append(remaining.pop(name))
    return ordered


def _used_as(path: Path) -> str:
    """Return what stands for a file in a query: a view may have the name of a macro, which is called."""
    return path.stem if path.relative_to(_root()).parts[0] == "views" else f"{path.stem}("


def _root() -> Path:
    """Return the folder of SQL files: in the package where it is installed, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "sql" if (here / "sql").is_dir() else here.parent / "sql"


@cache
def _files(folder: str) -> tuple[Path, ...]:
    return tuple(sorted((_root() / folder).rglob("*.sql")))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _body(path: Path) -> str:
    return (
        "\n".join(line for line in _text(path).splitlines() if not line.startswith("--")).strip().rstrip(";")
    )


def _analysis(path: Path) -> Analysis:
    header: dict[str, list[str]] = {}
    for line in _text(path).splitlines():
        if line.startswith("-- "):
            key, _, value = line[3:].partition(": ")
            header.setdefault(key, []).append(value.strip())
    return Analysis(
        name=path.stem,
        topic=path.parent.name,
        summary=header["summary"][0],
        parameters=tuple(_parameter(path, line) for line in header.get("param", [])),
        columns=header["columns"][0],
        tags=tuple(tag.strip() for tag in header["tags"][0].split(",")),
        counts="; ".join(header.get("counts", [])),
        source=" ".join(header.get("source", [])),
        statement=_body(path),
    )


def _literal(value: object) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    return quote_text(str(value))


def _parameter(path: Path, line: str) -> Parameter:
    match = _PARAMETER.fullmatch(line)
    if match is None:
        raise ValueError(f"{path.name}: not a parameter: {line}")
    default: str | int | None = match["default"]
    if default == "NULL" or default is None:
        default = None
    elif isinstance(default, str):
        default = default.strip("'") if default.startswith("'") else int(default)
    choices = tuple(choice.strip() for choice in (match["choices"] or "").split(",") if choice.strip())
    return Parameter(match["name"], match["type"], default, choices, match["meaning"])


def moment(value: object) -> datetime | None:
    """Return a time as UTC without a zone, or None for what is none; a date is its midnight."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        if value != value:  # the NaT of pandas, a datetime that is no time
            return None
        try:
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        except OverflowError:
            return None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return None
