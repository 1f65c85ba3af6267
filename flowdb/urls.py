"""Tells URLs from paths."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from flowdb.errors import UsageError

__all__ = ["is_url", "place_of"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_FILE = "file://"


def is_url(place: str) -> bool:
    """Tell whether it is a URL that leads elsewhere, and no path."""
    return _URL.match(place) is not None


def place_of(path: str | os.PathLike[str]) -> str:
    """Return a URL as it is, and for any other path, or the URL of a file, an absolute one."""
    text = os.fspath(path)
    if text.startswith(_FILE):
        text = unquote(text.removeprefix(_FILE))
    elif is_url(text):
        return text
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as error:
        raise UsageError(f"{text}: there is no such home folder") from error
