"""The one place where text becomes part of SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

__all__ = ["quote_name", "quote_path", "quote_paths", "quote_text"]

_PATTERN = re.compile(r"[*?\[]")


def quote_name(name: str) -> str:
    """Return an identifier, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text, quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: str | os.PathLike[str]) -> str:
    """Return a path as a pattern that it alone matches, quoted for SQL."""
    return quote_text(_pattern(path))


def quote_paths(paths: Iterable[str | os.PathLike[str]]) -> str:
    """Return a list of such patterns in SQL."""
    patterns = [_pattern(path) for path in paths]
    if len(patterns) < 2 or any("\n" in one for one in patterns):
        return f"[{', '.join(map(quote_text, patterns))}]"
    # Of many texts DuckDB makes an expression each, which takes longer than what is asked of the files.
    lines = quote_text("\n".join(patterns))
    return f"string_split({lines}, chr(10))"


def _pattern(path: str | os.PathLike[str]) -> str:
    return _PATTERN.sub(r"[\g<0>]", os.fspath(path))
