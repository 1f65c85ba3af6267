"""What a path or a URL leads to: a store of this machine, one behind a URL, or a lake."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

from flowdb.errors import UsageError
from flowdb.readable import Readable
from flowdb.store import Store

__all__ = ["is_url", "open_store", "place_of"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
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


def open_store(place: str, grace: timedelta, storage: Mapping[str, object] | None = None) -> Readable:
    """Return the store at a path or behind a URL, whose file system has the options `storage`."""
    if not is_url(place):
        return Store(Path(place), grace)
    from flowdb.remote_folder import RemoteFolder
    from flowdb.remote_store import RemoteStore

    return RemoteStore(RemoteFolder(place, storage))
