"""What a shell offers while a command is typed; nothing here opens a store, so that it is there at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from flowdb.analyses import analyses

__all__ = ["analysis_names", "columns", "dates", "folders", "keys", "paths", "starting"]

_MOST_DATES = 100


def starting(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return the words that begin with what is there."""
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def keys(choices: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return the choices for the last of words with commas between, behind those before it."""
    before, comma, last = incomplete.rpartition(",")
    given = before.split(",")
    return [
        CompletionItem(f"{before}{comma}{one}")
        for one in choices
        if one.startswith(last) and one not in given
    ]


def folders(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def paths(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell offer files."""
    return [CompletionItem(incomplete, type="file")]


def analysis_names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the analyses, with what they answer."""
    hyphened = {name.replace("_", "-"): one.summary for name, one in analyses().items()}
    start = incomplete.replace("_", "-")
    return [CompletionItem(name, help=said) for name, said in hyphened.items() if name.startswith(start)]


def columns(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the columns of the analysis whose command it is."""
    found = analyses().get((ctx.info_name or "").replace("-", "_"))
    names = [] if found is None else [name.strip() for name in found.columns.split(",")]
    return starting([name for name in names if " " not in name], incomplete)


def dates(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Return the dates that the store has, the newest first."""
    store = ctx.params.get("store") or os.environ.get("FLOWDB_STORE") or "flows"
    try:
        names = os.listdir(Path(str(store)).expanduser() / "data")
    except (OSError, ValueError, RuntimeError):
        return []
    found = sorted((name.removeprefix("date=") for name in names if name.startswith("date=")), reverse=True)
    return starting(found, incomplete)[:_MOST_DATES]
