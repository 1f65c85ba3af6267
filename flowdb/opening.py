"""What a path or a URL leads to: a store of this machine, one behind a URL, or a lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from flowdb.errors import StoreMissing
from flowdb.folders import Folder, LocalFolder
from flowdb.readable import Readable
from flowdb.store import CATALOG, Store, is_lake
from flowdb.urls import is_url

__all__ = ["open_store"]


def open_store(place: str, grace: timedelta, storage: Mapping[str, object] | None = None) -> Readable:
    """Return the store at a path or behind a URL, whose file system has the options `storage`."""
    if not is_url(place):
        if not is_lake(Path(place)):
            return Store(Path(place), grace)
        return _lake(place, None, LocalFolder(place))
    from flowdb.remote_folder import RemoteFolder
    from flowdb.remote_store import RemoteStore

    folder = RemoteFolder(place, storage)
    try:
        if folder.mark(CATALOG) is not None:
            return RemoteStore(folder)
        if folder.has_folder("flows/_delta_log"):
            return _lake(place, storage, folder)
        raise StoreMissing(folder.place, "there is neither a lake nor an uploaded store here")
    except BaseException:
        folder.close()
        raise


def _lake(place: str, storage: Mapping[str, object] | None, folder: Folder) -> Readable:
    from flowdb.lake import open_lake
    from flowdb.lake_store import LakeStore

    return LakeStore(open_lake(place, storage), folder)
