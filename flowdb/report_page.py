"""Writes a report as one HTML file that opens from disk: nothing in it is fetched from anywhere.

All of a log's text is data there: Jinja2 escapes it, JSON has no character that could end a script, and
the page's own policy runs no script but those whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb.chart_marks import Rows
from flowdb.charts import summary
from flowdb.errors import plural
from flowdb.look import printable
from flowdb.report_sections import GROUPS, SEVERITIES
from flowdb.units import Unit, readable, unit_of

if TYPE_CHECKING:
    from flowdb.report import Headline, Part, Scope

__all__ = ["Cell", "Column", "Finding", "Table", "Tile", "page", "table"]

_FOLDER = Path(__file__).parent / "page"
_LONG = 60
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, and the plain value where that is another."""

    text: str
    plain: str = ""
    kind: str = ""
    is_badge: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; numbers stand at the right."""

    name: str
    is_number: bool
    is_text: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a part as the page shows them."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number of the headline, what is to be said of it, and its plain value where it is cut."""

    name: str
    value: str
    note: str
    plain: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list of findings."""

    severity: str
    count: int
    part: Part
    worst: str


def page(title: str, store: str, scope: Scope, head: Headline, parts: Sequence[Part], made: datetime) -> str:
    """Return the page; `store` is the store's name."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    scripts = [_bundle(), _text("report.js")]
    style = _text("report.css")
    groups = {
        heading: [part for part in parts if part.section.group == group] for group, heading in GROUPS.items()
    }
    return environment.get_template("report.html").render(
        title=printable(title),
        store=printable(store),
        scope=scope,
        head=head,
        groups={heading: listed for heading, listed in groups.items() if listed},
        findings=list(_findings(parts)),
        made=made,
        is_whole=len(parts) > 1,
        scripts=[Markup(_safe(script)) for script in scripts],  # noqa: S704 -- they are the page's own
        style=Markup(style),  # noqa: S704
        hashes=[_hash(_safe(script)) for script in scripts],
        style_hash=_hash(style),
        table=table,
        tiles=list(_tiles(head)),
        printable=printable,
        printable_lines=_lines,
    )


def table(part: Part) -> Table:
    """Return the rows of a part as cells: numbers with their units, and the plain number beside them."""
    rows = part.rows
    if rows is None:
        return Table([], [])
    units = [unit_of(name, kind) for name, kind in zip(rows.names, rows.types, strict=True)]
    columns = [
        Column(printable(name), unit is not None, kind == "VARCHAR")
        for name, kind, unit in zip(rows.names, rows.types, units, strict=True)
    ]
    cells = [
        [_cell(name, value, unit) for name, value, unit in zip(rows.names, row, units, strict=True)]
        for row in rows.rows
    ]
    return Table(columns, cells)


def _tiles(head: Headline) -> Iterator[Tile]:
    """Yield the numbers of the headline."""
    decided = head.accepted + head.refused
    yield Tile(
        "Records",
        f"{head.records:,}",
        f"of {plural(head.interfaces, 'interface')}, {plural(head.accounts, 'account')}",
    )
    yield Tile(
        "Bytes",
        readable(str(head.bytes), Unit.BYTES),
        f"in {plural(head.packets, 'packet')}",
        str(head.bytes),
    )
    for name, records, mark in (
        ("Accepted", head.accepted, "accepted"),
        ("Refused", head.refused, "refused"),
    ):
        share = (
            f"{readable(str(records / decided), Unit.SHARE)} of the records"
            if decided
            else "no action logged"
        )
        yield Tile(name, f"{records:,}", share, mark=mark)
    covered = 1 - head.hours_missing / head.hours if head.hours else 0
    hours = f"{head.hours_missing:,} of {plural(head.hours, 'interface hour')}"
    gaps = f"{plural(head.gaps, 'gap')}: {hours} without logs"
    yield Tile(
        "Coverage",
        readable(str(covered), Unit.SHARE) if head.hours else "none",
        gaps if head.gaps else "no gaps",
    )
    lost = head.skipdata + head.bad_lines
    quality = (
        f"{head.skipdata:,} SKIPDATA, {plural(head.bad_lines, 'line')} in quarantine, {head.nodata:,} NODATA"
    )
    yield Tile("Lost or unread", f"{lost:,}", quality)


def _cell(name: str, value: Any, unit: Unit | None) -> Cell:
    if value is None:
        return Cell("", kind="n" if unit else "")
    plain = str(value).lower() if isinstance(value, bool) else printable(str(value))
    if unit is None:
        return Cell(plain, kind="long" if len(plain) > _LONG else "", is_badge=name == "severity")
    text = readable(plain, unit)
    # A number with commas is read back by taking them out.
    told = "" if text.replace(",", "") == plain else plain
    bar = f" s{round(value * _STEPS)}" if unit is Unit.SHARE and 1 / _STEPS / 2 < value <= 1 else ""
    return Cell(text, told, f"n{bar}")


def _lines(query: str) -> str:
    """Return a query of which nothing but its line ends is unprintable."""
    return "\n".join(map(printable, query.split("\n")))


def _findings(parts: Sequence[Part]) -> Iterator[Finding]:
    """Yield what is worth a look, what matters most first."""
    for severity in SEVERITIES[:-1]:
        for part in parts:
            count = part.severities.get(severity, 0)
            if count and part.rows is not None:
                place = part.rows.names.index("severity")
                chosen = [row for row in part.rows.rows if row[place] == severity]
                rows = Rows(part.rows.names, part.rows.types, chosen[:1])
                yield Finding(severity, count, part, printable(summary(rows, part.section.analysis)))


@cache
def _bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _safe(script: str) -> str:
    """Return a script in which nothing ends it, or begins a comment of HTML."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
