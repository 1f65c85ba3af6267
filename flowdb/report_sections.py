"""What a report tells: the sections of `page/sections.toml`, each of one analysis or of a query over some."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb import chart_marks
from flowdb.analyses import Analysis
from flowdb.charts import draw

if TYPE_CHECKING:
    import altair as alt

    from flowdb.chart_marks import Rows

__all__ = ["GROUPS", "SEVERITIES", "Figure", "Section", "section_of", "sections"]

GROUPS = {
    "traffic": "Traffic",
    "refused": "Refused",
    "ports": "Ephemeral ports",
    "security": "Worth a look",
    "cost": "Zones, NAT and egress",
    "quality": "Quality of the logs",
    "one": "Analysis",
}
"""The parts of the page, by the names that sections give them."""
SEVERITIES = ("high", "medium", "low", "info")
"""How much a row matters, most first; what is only `info` is no finding."""
_KINDS = {
    "bars": chart_marks.bars,
    "grid": chart_marks.grid,
    "matrix": chart_marks.matrix,
    "timeline": chart_marks.timeline,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart: of the section's own rows, or of those of a query."""

    caption: str = ""
    query: str = ""
    kind: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)

    def draw(self, rows: Rows, analysis: str) -> alt.Chart | None:
        """Return the chart of rows, or None where there is nothing to draw."""
        if not rows.rows:
            return None
        if not self.kind:
            return draw(rows, analysis)
        drawn: alt.Chart | None = _KINDS[self.kind](rows, **self.columns)  # type: ignore[operator]
        return drawn


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report; `page/sections.toml` says what stands for what in its queries."""

    name: str
    group: str
    title: str
    lead: str
    analysis: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    query: str = "FROM {rows}"
    figures: tuple[Figure, ...] = ()
    severity: str = ""
    order: str = ""


@cache
def sections() -> tuple[Section, ...]:
    """Return the sections of a whole report, in its order."""
    with open(Path(__file__).parent / "page" / "sections.toml", "rb") as file:
        return tuple(_section(one) for one in tomllib.load(file)["section"])


def section_of(analysis: Analysis) -> Section:
    """Return the section that an analysis has by itself: that of the report, or one made of its header."""
    for one in sections():
        if one.name == analysis.name:
            # What else the report has of it stands in other sections there.
            return replace(one, query="FROM {rows}")
    title = analysis.name.replace("_", " ").capitalize()
    return Section(analysis.name, "one", title, analysis.summary, analysis.name, figures=(Figure(),))


def _section(table: dict[str, Any]) -> Section:
    figures = tuple(_figure(one) for one in table.pop("figure", ()))
    return Section(**table, figures=figures)


def _figure(table: dict[str, Any]) -> Figure:
    own = {name: table.pop(name, "") for name in ("caption", "query", "kind")}
    return Figure(**own, columns=table)
