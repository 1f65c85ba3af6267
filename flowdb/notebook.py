"""HTML for notebooks: the first rows of a result as a table, in whatever colours the notebook has.

What stands in a log is not to be trusted: every name and every value is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from flowdb.look import printable
from flowdb.units import is_number, readable, unit_of

__all__ = ["ROWS", "facts_html", "rows_html"]

ROWS = 20
"""How many rows are shown."""
_LONGEST = 120
_UNBROKEN = 40  # characters: a time, an address or a number stays on one line


def rows_html(names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Return a table of the first `ROWS` rows, whose values are texts as DuckDB writes them."""
    head = "".join(_cell("th", name, is_number(kind)) for name, kind in zip(names, types, strict=True))
    body = "".join("<tr>" + "".join(map(_value, names, types, row)) + "</tr>" for row in rows[:ROWS])
    more = f"<p>The first {ROWS} rows; .df() and .pl() have the others.</p>" if len(rows) > ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def facts_html(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """Return facts, each with its name before it, under a title."""
    rows = "".join(f"<tr>{_cell('th', name)}{_cell('td', value)}</tr>" for name, value in facts)
    head = f"<tr>{_cell('th', title, attributes=' colspan=2')}</tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _value(name: str, kind: str, value: str | None) -> str:
    if value is None:
        return "<td></td>"
    unit = unit_of(name, kind)
    return _cell("td", value if unit is None else readable(value, unit), is_number(kind))


def _cell(tag: str, text: str, is_right: bool = False, attributes: str = "") -> str:
    side = "right" if is_right else "left"
    wrap = "; white-space: nowrap" if len(text) <= _UNBROKEN else ""
    shown = printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")
    return f'<{tag}{attributes} style="text-align: {side}{wrap}">{escape(shown)}</{tag}>'
