"""Reads `sql/`: views, functions and analyses, one file each, and describes what their headers say.

An analysis is a table macro. Its file's header is its documentation; from it come the
method of `FlowDB`, the command and its options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from flowdb.errors import UsageError
from flowdb.nearest import meant
from flowdb.parameters import Parameter, literal, parse_parameter

__all__ = [
    "TRAPS",
    "Analysis",
    "analyses",
    "called_statements",
    "find_analysis",
    "function_texts",
    "named_by",
    "statements",
    "texts",
    "view_names",
]

TRAPS = {
    "both ends": "A conversation that both of its interfaces log",
    "nat": "Traffic that a NAT gateway logs again",
    "primary address": "Addresses that are the interface's primary one, not the packet's",
    "windows": "A connection that is many records",
    "replies": "An answer that is refused, a record of its own",
    "no data": "Records without traffic",
}
"""What makes naive answers wrong, by the names that headers give it."""
_FOLDERS = ("views", "functions", "analyses")
_ENGINE = "athena"
# Rows that may be in memory before they are fetched: DuckDB does not hold them to its limit.
_SHORT = 10_000


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis: what its file says of it, and the statement that makes its macro."""

    name: str
    topic: str
    summary: str
    parameters: tuple[Parameter, ...]
    needs: tuple[str, ...]
    columns: str
    tags: tuple[str, ...]
    traps: Mapping[str, str]
    counts: str
    answers: tuple[str, ...]
    source: str
    statement: str

    @property
    def doc(self) -> str:
        """A docstring: summary, parameters, columns."""
        lines = [self.summary, ""]
        for one in self.parameters:
            choices = f" {one.allowed}" if one.allowed else ""
            default = "none" if one.default is None else repr(one.default)
            said = "Required." if one.is_required else f"Default: {default}."
            lines.append(f"{one.name}: {one.meaning}.{choices} {said}")
        lines += ["", f"Columns: {self.columns}."]
        if self.needs:
            lines += ["", f"Needs: {', '.join(self.needs)}."]
        lines += [f"{TRAPS[trap]}: {how}." for trap, how in self.traps.items()]
        if self.counts:
            lines += ["", f"Counts: {self.counts}."]
        return "\n".join(lines)

    @property
    def script(self) -> str:
        """The file as it is: it runs in a DuckDB shell."""
        return next(_text(path) for path in _files("analyses") if path.stem == self.name)

    def call(self, values: Mapping[str, object]) -> str:
        """Return the query with these parameters written into it, for a person to paste."""
        return f"FROM {self._called({name: literal(value) for name, value in values.items()})};"

    def query(self, values: Mapping[str, object]) -> tuple[str, dict[str, object]]:
        """Return the query that asks with these parameters, and the values to bind in it."""
        known = {one.name: one for one in self.parameters}
        for name in values:
            if name not in known:
                allowed = ", ".join(known)
                raise UsageError(f"{self.name}: no parameter {name!r}{meant(name, known)}; it has: {allowed}")
        for name, one in known.items():
            if one.is_required and name not in values:
                raise UsageError(f"{self.name}: {name} is not given; it is {one.meaning}")
        bound = {name: known[name].checked(self.name, value) for name, value in values.items()}
        since, until = bound.get("since"), bound.get("until")
        if isinstance(since, datetime) and isinstance(until, datetime) and since > until:
            raise UsageError(f"{self.name}: since, {since}, is after until, {until}")
        return f"FROM {self._called({name: f'${name}' for name in bound})}", bound

    def is_short(self, values: Mapping[str, object]) -> bool:
        """Tell whether the answer has few rows, with these parameters: `top` is not many, and not all."""
        tops = [values.get(one.name, one.default) for one in self.parameters if one.name == "top"]
        return all(isinstance(top, int) and top <= _SHORT for top in tops)

    def _called(self, values: Mapping[str, str]) -> str:
        """Return the call of the macro; what is required has no name there."""
        required = [one.name for one in self.parameters if one.is_required]
        given = [values[name] for name in required if name in values]
        given += [f'"{name}" := {value}' for name, value in values.items() if name not in required]
        return f"{self.name}({', '.join(given)})"


@cache
def analyses() -> dict[str, Analysis]:
    """Return every analysis by its name, in the order of topics and names."""
    return {path.stem: _analysis(path) for path in _files("analyses")}


def find_analysis(name: str) -> Analysis:
    """Return the analysis of this name, hyphens or underscores, or raise `UsageError`."""
    found = analyses().get(name.replace("-", "_"))
    if found is None and (near := meant(name, analyses())):
        raise UsageError(f"no analysis {name!r}{near}; `flowdb analyses` lists them")
    if found is None:
        raise UsageError(f"no analysis {name!r}; there are: {', '.join(analyses())}")
    return found


def named_by(question: str) -> Analysis | None:
    """Return the analysis that a question names, or None for a query; no query is one word alone."""
    return find_analysis(question.strip()) if re.fullmatch(r"\s*[\w-]+\s*", question) else None


@cache
def statements() -> tuple[str, ...]:
    """Return the statements that make every view, function and analysis over the view `flows`."""
    paths = [path for folder in _FOLDERS for path in _files(folder)]
    return tuple(_body(path) for path in _in_order(paths))


def texts() -> list[str]:
    """Return the bodies of the files that `statements` reads, in the order of their names: it is faster."""
    return [_body(path) for folder in _FOLDERS for path in _files(folder)]


def called_statements(query: str) -> list[str]:
    """Return the statements that make Athena's functions that a query calls, and those that these call.

    They are made where a query calls them, so that `flowdb.duckdb` is no larger for them.
    """
    known = {path.stem: path for path in _files(_ENGINE)}
    called: dict[str, Path] = {}
    texts = [query]
    while texts:
        words = known.keys() & re.findall(r"\w+", texts.pop())
        new = {name: known[name] for name in sorted(words - called.keys())}
        called |= new
        texts += [_body(path) for path in new.values()]
    return [_body(path) for path in _in_order(called.values())]


def function_texts() -> dict[str, str]:
    """Return the files of the functions by their names, with what their headers say."""
    return {path.stem: _text(path) for path in _files("functions")}


@cache
def view_names() -> tuple[str, ...]:
    """Return the names of the views that `statements` makes."""
    return tuple(path.stem for path in _files("views"))


def _in_order(paths: Iterable[Path]) -> list[Path]:
    """Put files after those whose names they use, since what is made is made of what is there already."""
    remaining = {_used_as(path): path for path in paths}
    ordered: list[Path] = []
    while remaining:
        for name, path in list(remaining.items()):
            # A name in a text, such as that of who asks, is none that is used.
            words = set(re.findall(r"\w+\(?", re.sub(r"'[^'\n]*'", "", _body(path))))
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
        parameters=tuple(parse_parameter(line) for line in header.get("param", [])),
        needs=_listed(header.get("needs", [""])[0]),
        columns=header["columns"][0],
        tags=_listed(header["tags"][0]),
        traps=dict(_trap(line) for line in header.get("trap", [])),
        counts="; ".join(header.get("counts", [])),
        answers=tuple(header.get("answers", [])),
        source=" ".join(header.get("source", [])),
        statement=_body(path),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _trap(line: str) -> tuple[str, str]:
    name, _, how = line.partition(" -- ")
    if name not in TRAPS:
        raise ValueError(f"no such trap: {name}")
    return name, how
