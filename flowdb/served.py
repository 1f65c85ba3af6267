"""The files of a store as DuckDB reads them through Python: by their paths in it, and for reading alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import fsspec

from flowdb.folders import HERE, PROTOCOL, Folder, ServedFile

if TYPE_CHECKING:
    import duckdb

__all__ = ["Served"]

_SUFFIX = ".parquet"
_WITH_THREADS = 2
"""The first version of DuckDB that can read these files with several threads."""
_ESCAPED = re.compile(r"\[([*?\[])\]")


class Served(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """The Parquet files of folders; what two of them have is that of the first."""

    protocol = PROTOCOL
    cachable = False

    def __init__(self, folders: Iterable[Folder]) -> None:
        super().__init__(skip_instance_cache=True)
        self._folders = list(folders)

    def to(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Have a connection read these files."""
        import duckdb

        connection.register_filesystem(self)
        # Before 2.0 DuckDB may wait for its threads while it has Python's lock, for which a thread that
        # reads these files waits.
        if int(duckdb.__version__.partition(".")[0]) < _WITH_THREADS:
            connection.execute("SET threads = 1")

    def glob(self, path: str, **_: Any) -> list[str]:
        """Return the path that a pattern of `quote_path` matches, if there is such a file."""
        name = _ESCAPED.sub(r"\1", path.removeprefix(HERE))
        return [name] if self.exists(name) else []

    def exists(self, path: str, **_: Any) -> bool:
        """Tell whether there is such a file."""
        try:
            self._found(path)
        except OSError:
            return False
        return True

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name, size in bytes and kind of a file."""
        folder, name = self._found(path)
        return {"name": path, "size": folder.size(name), "type": "file"}

    def modified(self, path: str) -> datetime:
        """Return when a file was last changed."""
        folder, name = self._found(path)
        return folder.modified(name)

    def open(self, path: str, mode: str = "rb", **_: Any) -> ServedFile:
        """Return a file for reading."""
        if mode != "rb":
            raise PermissionError(f"{path}: nothing is written in a store that is served")
        folder, name = self._found(path)
        return folder.open(name)

    def _found(self, path: str) -> tuple[Folder, str]:
        """Return the folder that has a file, and its path there; raises `FileNotFoundError` if none."""
        name = path.removeprefix(HERE)
        for folder in self._folders:
            if name.endswith(_SUFFIX) and folder.size(name) is not None:
                return folder, name
        raise FileNotFoundError(f"{path}: no file of the store")
