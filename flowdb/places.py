"""Finds what lies in a remote place: an object, everything below a prefix, or what a pattern matches."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import Any

from flowdb.errors import SourceError, SourceNotFound, UsageError
from flowdb.keys import Choice, is_other_service
from flowdb.remote import RemoteObject, Remotes, failure, shown

__all__ = ["Place"]

_Listed = str | RemoteObject
"""A folder, which ends with a slash, or an object."""


class Place:
    """A URL, and what of the storage behind it is chosen.

    A folder that holds none of it is not listed. Folders are listed side by side, and all
    that lies below one is listed at once where there is nothing to choose any more.
    """

    def __init__(self, url: str, remotes: Remotes, choice: Choice) -> None:
        self._scheme, _, rest = url.partition("://")
        self._remotes = remotes
        self._choice = choice
        self._storage: Any = remotes.storage(url)
        self._is_s3 = "s3" in self._storage.protocol
        self._is_web = self._scheme in ("http", "https")
        self._path: str = rest
        if not self._is_s3:
            self._path = self._storage._strip_protocol(url).rstrip("/") + "/" * url.endswith("/")
        self.uri = shown(url)
        if self._is_s3 and "@" in rest.partition("/")[0]:
            raise UsageError(
                f"{self.uri}: a bucket's name has no @; give credentials as AWS's own tools take them"
            )
        self.failures: list[SourceError] = []

    def expand(self) -> Iterator[_Listed]:
        """Yield the object or folder that the place names, or those that match it as a pattern.

        Raises `SourceNotFound` where there is none; what cannot be listed is among the `failures`.
        """
        try:
            exact = self._exact()
        except FileNotFoundError:
            matched = list(self._matching()) if self._is_pattern else []
            if not matched and not self.failures:
                raise SourceNotFound(self.uri, "there is no such bucket, object or prefix") from None
            yield from matched
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            self.failures.append(failure(self.uri, error))
        else:
            yield exact

    def below(self, folder: str) -> Iterator[RemoteObject]:
        """Yield the objects below a folder, but for those in folders that the choice leaves out."""
        level = [folder]
        while level:
            listings = self._listings((one, self._choice.is_settled(one)) for one in level)
            level = []
            for one in (one for listing in listings for one in listing):
                if isinstance(one, RemoteObject):
                    yield one
                elif self._choice.allows(one) and not is_other_service(one, folder):
                    level.append(one)

    @property
    def _is_pattern(self) -> bool:
        return not self._is_web and glob.has_magic(self._path)

    def _exact(self) -> _Listed:
        """Return what has the place's own path."""
        folder = self._path.rstrip("/") + "/"
        if self._path.endswith("/") or (self._is_s3 and "/" not in self._path):
            return folder
        try:
            info = self._storage.info(self._path)
        except PermissionError:
            # Who may list a prefix may still be refused to ask for an object that is not there.
            if not self._is_s3:
                raise
            if self._is_pattern:
                raise FileNotFoundError from None
            return folder
        return folder if info["type"] == "directory" else self._object(info)

    def _matching(self) -> Iterator[_Listed]:
        """Yield what matches the place as a pattern, one part of the path after the other."""
        parts = self._path.rstrip("/").split("/")
        plain = next(index for index, part in enumerate(parts) if glob.has_magic(part))
        folders = ["".join(f"{part}/" for part in parts[:plain])]
        for index in range(plain, len(parts)):
            part, is_last = parts[index], index == len(parts) - 1
            if part == "**":
                for one in (one for folder in folders for one in self.below(folder)):
                    if _matches(
                        one.path.split("/")[index:], [*parts[index:], "*"] if is_last else parts[index:]
                    ):
                        yield one
                return
            listings = self._listings((folder, False) for folder in folders)
            folders = []
            for found in (found for listing in listings for found in listing):
                path = found if isinstance(found, str) else found.path
                name = path.rstrip("/").rpartition("/")[2]
                if not fnmatchcase(name, part) or not self._choice.allows(path):
                    continue
                if is_last:
                    yield found
                elif isinstance(found, str):
                    folders.append(found)

    def _listings(self, folders: Iterable[tuple[str, bool]]) -> list[list[_Listed]]:
        """List folders side by side; what cannot be listed is noted, and empty."""
        coming: list[tuple[str, Future[list[_Listed]]]] = [
            (folder, self._remotes.pool.submit(self._list, folder, is_deep)) for folder, is_deep in folders
        ]
        listings = []
        for folder, future in coming:
            try:
                listings.append(future.result())
            except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
                self.failures.append(failure(shown(self._url(folder)), error))
        return listings

    def _list(self, folder: str, is_deep: bool) -> list[_Listed]:
        """Return the objects and folders in a folder, or all objects at any depth."""
        if self._is_s3:
            return list(self._list_s3(folder, is_deep))
        listed = (
            self._storage.find(folder, detail=True).values()
            if is_deep
            else self._storage.ls(folder, detail=True)
        )
        self._remotes.count(len(listed))
        return [
            info["name"].rstrip("/") + "/" if info["type"] == "directory" else self._object(info)
            for info in listed
        ]

    def _list_s3(self, folder: str, is_deep: bool) -> Iterator[_Listed]:
        bucket = self._storage.split_path(folder)[0]
        wanted = {"Bucket": bucket, "Prefix": folder[len(bucket) + 1 :], **self._storage.req_kw}
        if not is_deep:
            wanted["Delimiter"] = "/"
        while True:
            page = self._storage.call_s3("list_objects_v2", **wanted)
            self._remotes.count(len(page.get("Contents", ())))
            for one in page.get("CommonPrefixes", ()):
                yield f"{bucket}/{one['Prefix']}"
            for one in page.get("Contents", ()):
                # A key that ends with a slash stands for a folder.
                if not one["Key"].endswith("/"):
                    yield self._object(one | {"name": f"{bucket}/{one['Key']}", "size": one["Size"]})
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def _object(self, info: dict[str, Any]) -> RemoteObject:
        return RemoteObject(self._remotes, self._storage, self._url(info["name"]), info)

    def _url(self, path: str) -> str:
        return path if self._is_web else f"{self._scheme}://{path.lstrip('/')}"


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Tell whether the parts of a path match those of a pattern, of which `**` is any number of parts."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or (bool(parts) and _matches(parts[1:], pattern))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
