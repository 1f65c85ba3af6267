"""What a path or a URL leads to: a store of this machine, one behind a URL, or a lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from flowdb.readable import Readable
from flowdb.store import Store
from flowdb.urls import is_url

__all__ = ["open_store"]


def open_store(place: str, grace: timedelta, storage: Mapping[str, object] | None = None) -> Readable:
    """Return the store at a path or behind a URL, whose file system has the options `storage`."""
    if not is_url(place):
        return Store(Path(place), grace)
    from flowdb.remote_folder import RemoteFolder
    from flowdb.remote_store import RemoteStore

    return RemoteStore(RemoteFolder(place, storage))
