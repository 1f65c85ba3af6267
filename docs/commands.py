"""The page that lists every command that is not an analysis, made from what `--help` says."""

from __future__ import annotations

import inspect
import re

import click

from flowdb.cli import cli
from flowdb.helping import GROUPS

__all__ = ["commands_page"]

_INTRODUCTION = """Every verb of the command line is one of `FlowDB` in Python, by the same name. A store is
`./flows`, or what `--store`, `$FLOWDB_STORE` or [`flowdb.toml`](configuration.md) says. Data goes to standard
output, all else to standard error; exit codes are 0 all is well, 1 a query or a source failed, 2 the request
makes no sense, 3 the store cannot be used, 4 an alarm fires, 130 interrupted."""
_ANALYSES = """Each of the [analyses](analyses.md) is a command too. Its parameters are options, those that it
requires arguments: `flowdb traffic-of 10.0.0.5 --by port`. Beside its own it has these:"""


def commands_page() -> str:
    """Return the page, with each command's options as click knows them."""
    lines = ["# Commands", "", _INTRODUCTION]
    for title, names in GROUPS.items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", *_section(cli.commands[name], f"flowdb {name}", f"### flowdb {name}")]
    analysis = cli.get_command(click.Context(cli), "top-talkers")
    assert analysis is not None
    shared = (
        "--since",
        "--until",
        "--day",
        "--show-sql",
        "--watch",
        "--store",
        "--output",
        "--raw",
        "--color",
        "--names",
    )
    options = [one for one in analysis.params if set(one.opts) & set(shared)]
    lines += ["", "## Analyses", "", _ANALYSES, "", *_options(analysis, "flowdb top-talkers", options)]
    return "\n".join(lines) + "\n"


def _section(command: click.Command, name: str, heading: str) -> list[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [heading, "", "```text", f"{name} {usage}", "```", ""]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines += ["```text", paragraph.removeprefix("\b\n"), "```", ""]
        else:
            lines += [_plain(" ".join(paragraph.split())), ""]
    return [*lines, *_options(command, name, command.params)]


def _options(command: click.Command, name: str, params: list[click.Parameter]) -> list[str]:
    context = click.Context(command, info_name=name)
    records = [record for one in params if (record := one.get_help_record(context)) is not None]
    if not (records := [(option, meaning) for option, meaning in records if meaning]):
        return []
    lines = ["| option | meaning |", "|---|---|"]
    return lines + [f"| `{_cell(option)}` | {_cell(_plain(meaning))} |" for option, meaning in records]


def _plain(text: str) -> str:
    """Return a text in which nothing but code means something in Markdown."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*_\[\]])", r"\\\1", part).replace("<", "&lt;")
        for part in parts
    )


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
