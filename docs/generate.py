"""Generates the pages under docs/ that are made from the code: `python -m docs.generate`."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path

from docs.commands import commands_page
from flowdb.analyses import TRAPS, Analysis, analyses
from flowdb.compression import COMPRESSIONS, LARGEST_EXPANSION, LARGEST_RATIO
from flowdb.datasets import DATASETS, Dataset
from flowdb.fields import Kind
from flowdb.ocsf import MAPPING
from flowdb.parameters import Parameter, literal
from flowdb.shapes import SHAPES

__all__ = ["PAGES", "main"]

_HERE = Path(__file__).parent
_CASES = _HERE.parent / "tests" / "analyses"
_ROWS_SHOWN = 8
_HOLDS = {
    Kind.TEXT: "an address, as text",
    Kind.CODE: "text",
    Kind.TAG: "text; a log has it percent-encoded",
    Kind.OCTET: "0 to 255",
    Kind.PORT: "0 to 65,535",
    Kind.COUNT: "0 to 2^63 - 1",
    Kind.TIME: "UTC; a log has seconds, or milliseconds, since 1970",
}


def analyses_page() -> str:
    """Return the page that lists every analysis, with its parameters, columns, traps and an example."""
    lines = ["# Analyses", "", "| analysis | topic | answers |", "|---|---|---|"]
    lines += [f"| [`{one.name}`](#{one.name}) | {one.topic} | {one.summary} |" for one in analyses().values()]
    lines += ["", "## What is asked elsewhere", "", "| there | question | here |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in sorted(_answers())]
    for one in analyses().values():
        lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def _answers() -> Iterator[tuple[str, str, str]]:
    """Yield the questions of others: where they are asked, what they are, and the query that answers here."""
    for one in analyses().values():
        for line in one.answers:
            place, _, rest = line.partition(": ")
            question, _, given = rest.partition(" | ")
            yield place, question, f"[`{one.name}({given.strip()})`](#{one.name})"


def _section(one: Analysis) -> list[str]:
    required = "".join(f" {parameter.name.upper()}" for parameter in one.parameters if parameter.is_required)
    given = ", ".join(parameter.name for parameter in one.parameters if parameter.is_required)
    command = f"flowdb {one.name.replace('_', '-')}{required}"
    ways = f"In SQL `FROM {one.name}({given})`, in Python `db.{one.name}({given})`, as a command `{command}`."
    lines = [f"## {one.name}", "", f"{one.summary} {ways}", ""]
    lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for parameter in one.parameters:
        default = "required" if parameter.is_required else literal(parameter.default)
        choices = f" {parameter.allowed}" if parameter.allowed else ""
        lines.append(f"| `{parameter.name}` | {parameter.type} | {default} | {parameter.meaning}.{choices} |")
    lines += ["", f"Columns: {one.columns}."]
    if one.needs:
        lines += ["", f"Fields that logs must have: {', '.join(f'`{field}`' for field in one.needs)}."]
    if one.counts:
        lines += ["", "What is counted:", "", *(f"- {clause}" for clause in one.counts.split("; "))]
    if one.traps:
        lines += ["", "What would make a naive answer wrong, and what is done:", ""]
        lines += [f"- {TRAPS[trap]}: {how}." for trap, how in one.traps.items()]
    if one.source:
        lines += ["", f"Source of the idea: {one.source}."]
    return [*lines, "", *_example(one)]


def _example(one: Analysis) -> list[str]:
    """Return the first rows of what the analysis answers to the log that its test gives it."""
    folder = _CASES / one.name
    with open(folder / "expected.csv", encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    params = {}
    if (folder / "cases.toml").exists():
        params = tomllib.loads((folder / "cases.toml").read_text("utf-8")).get("given", {})
    shown = rows[:_ROWS_SHOWN]
    log = f"[a small log](../tests/analyses/{one.name}/given.log)"
    first = f", the first {_ROWS_SHOWN} rows" if len(rows) > _ROWS_SHOWN else ""
    lines = [f"`{one.call(params)}` on {log}{first}:", ""]
    lines += [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in shown]


def fields_page() -> str:
    """Return the page that lists the columns of the views of records."""
    beside = """Beside these: `date`, the UTC date of the record's start, by which files are kept;
`source_id`, the source in `sources` that the record came from; and, as text, every field of a log that is
not listed here. A value that is missing (`-`) is NULL. What transit gateways log is in `tgw_flows` alone:
a log is theirs if its header has a field that only they have (`tgw-*`, `packets-lost-*`, `resource-type`)."""
    lines = ["# Columns", "", beside]
    for dataset in DATASETS:
        lines += ["", *_columns(dataset)]
    return "\n".join(lines) + "\n"


def _columns(dataset: Dataset) -> list[str]:
    lines = [f"## `{dataset.view}`", ""]
    lines += ["| column | field | since version | type | holds | meaning |", "|---|---|---:|---|---|---|"]
    for one in dataset.fields:
        kind = f"{one.kind.sql_type} | {_HOLDS[one.kind]}"
        lines.append(f"| `{one.column}` | `{one.name}` | {one.version} | {kind} | {one.meaning} |")
    return lines


def formats_page() -> str:
    """Return the page that lists what `flowdb ingest` reads, and how it knows what it is."""
    compressions = ", ".join(COMPRESSIONS)
    lines = [
        "# What is read",
        "",
        f"""What a source is, is known by its content, not by its name. Compression ({compressions}; any
number of members, one in another too) is undone first, archives (`.zip`, `.tar`, and a compressed `.tar`) are
looked into, and then the first of these shapes that fits is taken:""",
        "",
        "| shape | delivered by | recognised by |",
        "|---|---|---|",
    ]
    lines += [f"| {one.name} | {one.delivered} | {one.recognised} |" for one in SHAPES]
    lines += [
        "",
        """The fields of a record are those that a header names: of the file, or of a JSON record. Records
without one are in the default format if they have its 14 fields, else in the format that `--format` gives:
AWS's own `${version} ${account-id} ...`, `default`, `tgw`, or a list of names. A header beats `--format`.

Of an archive that is taken which would be taken from a folder. Of a JSON record that has its fields by name,
what is nested is left out.""",
        "",
        f"""A source that unpacks to more than {LARGEST_EXPANSION >> 30} GiB and to more than
{LARGEST_RATIO} times its size as delivered, all its layers and files together, is refused: it is made to fill
a disk. Flow logs reach 40 times; who knows better unpacks it first and ingests the plain text.""",
    ]
    lines += [
        "",
        "## Security Lake",
        "",
        """In OCSF a field is the first of these that has a value; `*_endpoint` is the end that the interface
is at: of the two, the one that has the value.""",
        "",
        "| field | in OCSF |",
        "|---|---|",
    ]
    places: dict[str, list[str]] = {}
    for one in MAPPING:
        places.setdefault(one.field, []).extend(f"`{place}`" for place in one.places)
    lines += [f"| `{field}` | {', '.join(found)} |" for field, found in places.items()]
    return "\n".join(lines) + "\n"


def stubs() -> str:
    """Return what tells type checkers and editors the analyses: `flowdb/asking.pyi`."""
    lines = ['"""The analyses as methods; generated from sql/ by docs/generate.py."""', ""]
    lines += ["from collections.abc import Iterable", "from datetime import date, datetime, timedelta"]
    lines += ["from pathlib import Path", "from typing import Generic, Literal, TypeVar", ""]
    lines += ['__all__ = ["Asking"]', "", '_Answer = TypeVar("_Answer")']
    lines += ["", "class Asking(Generic[_Answer]):"]
    for one in analyses().values():
        taken = ", ".join(f"{each.name}: {_typed(each)}" for each in one.parameters)
        quotes = 'r"""' if "\\" in one.doc else '"""'
        lines += [f"    def {one.name}(self, {taken}, *, names: bool = False) -> _Answer:"]
        lines += [f"        {quotes}{one.doc}".replace("\n", "\n        "), '        """']
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")) + "\n"


def _typed(one: Parameter) -> str:
    """Return the type and the default of a parameter, as Python has them."""
    kind = _TYPES[one.type]
    if one.choices:
        # A text of whatever origin may be one of them; editors offer those.
        kind = f"Literal[{', '.join(map(repr, one.choices))}] | str"
    kind += " | None" if one.takes_none else ""
    if one.is_required:
        return kind
    return f"{kind} = {list(one.default) if isinstance(one.default, tuple) else one.default!r}"


_TYPES = {
    "TIMESTAMP": "datetime | date | str",
    "INTEGER": "int",
    "NUMBER": "float",
    "TEXT": "str",
    "REGION": "str",
    "KEYS": "str",
    "BOOLEAN": "bool",
    "OFFSET": "str",
    "INTERVAL": "timedelta | str",
    "CIDR": "str",
    "INTEGER[]": "Iterable[int] | Path",
    "CIDR[]": "Iterable[str] | Path",
}
PAGES = {
    "analyses.md": analyses_page,
    "commands.md": commands_page,
    "fields.md": fields_page,
    "formats.md": formats_page,
    "../flowdb/asking.pyi": stubs,
}


def main() -> None:
    """Write every page, and the stubs."""
    for name, page in PAGES.items():
        (_HERE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
