"""The one place where text becomes part of SQL."""

from __future__ import annotations

import os
import re

__all__ = ["quote_name", "quote_path", "quote_text"]

_PATTERN = re.compile(r"[*?\[]")


def quote_name(name: str) -> str:
    """Return an identifier, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text, quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def quote_path(path: str | os.PathLike[str]) -> str:
    """Return a path as a pattern that it alone matches, quoted for SQL."""
    return quote_text(_PATTERN.sub(r"[\g<0>]", os.fspath(path)))
