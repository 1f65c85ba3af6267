"""What the last runs measured, section by section, and the page that tells it.

A section that is run anew replaces its own part alone: results.json has the parts, and RESULTS.md is made of
them.
"""

import json
import textwrap
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.goals import GOALS
from benchmarks.machine import listed, machine, table, versions

HERE = Path(__file__).parent
RESULTS, TRIED, PAGE = HERE / "results.json", HERE / "tried.toml", HERE / "RESULTS.md"
INTRODUCTION = """\
`make bench` wrote this page. A ratio is of runs that took turns, and tells more than a time. MB have 10^6
bytes."""


@dataclass
class Section:
    """What one section measured: a figure for each of its goals, tables, and how it was run."""

    title: str
    text: str
    figures: dict[str, float]
    command: str = ""
    machine: dict[str, str] = field(default_factory=machine)
    versions: dict[str, str] = field(default_factory=versions)


def load(path: Path = RESULTS) -> dict[str, Section]:
    """Read the sections by name."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: Section(**section) for name, section in stored.items()}


def save(sections: dict[str, Section], order: list[str], path: Path = RESULTS) -> None:
    """Write the sections in their order."""
    kept = {name: asdict(sections[name]) for name in order if name in sections}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def page(sections: dict[str, Section], tried: dict[str, str]) -> str:
    """Write the whole page as Markdown."""
    figures = {name: figure for section in sections.values() for name, figure in section.figures.items()}
    parts = [
        "# flowdb beside everything else",
        INTRODUCTION,
        "## Goals",
        _goals(figures),
        *_tried(tried),
    ]
    same_machine = len({json.dumps([one.machine, one.versions]) for one in sections.values()}) == 1
    for section in sections.values():
        parts += [f"## {section.title}", _filled(section.text), f"    {section.command}"]
        if not same_machine:
            parts += [f"### On\n\n{_on(section)}"]
    if same_machine:
        parts += [f"## On\n\n{_on(next(iter(sections.values())))}"]
    return "\n\n".join(parts) + "\n"


def write(sections: dict[str, Section]) -> None:
    """Write the page beside its parts."""
    tried = tomllib.loads(TRIED.read_text(encoding="utf-8"))
    PAGE.write_text(page(sections, tried), encoding="utf-8")


def _goals(figures: dict[str, float]) -> str:
    rows = [["what", "figure", "must be", "aim"]]
    for goal in GOALS:
        figure = figures.get(goal.name)
        told = "not measured" if figure is None else f"{figure:.3g} {goal.unit}"
        rows.append([goal.what, told, goal.verdict(goal.must, figure), goal.verdict(goal.aim, figure)])
    return table(rows)


def _tried(tried: dict[str, str]) -> list[str]:
    if not tried:
        return []
    whats = {goal.name: f"{goal.what}, {goal.unit}" for goal in GOALS}
    return ["## What was tried", listed({whats[name]: text.strip() for name, text in tried.items()})]


def _filled(text: str) -> str:
    """Break the lines of paragraphs, tables left as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        paragraph if paragraph.startswith("|") else textwrap.fill(paragraph, 110) for paragraph in paragraphs
    )


def _on(section: Section) -> str:
    return listed({**section.machine, **section.versions})
