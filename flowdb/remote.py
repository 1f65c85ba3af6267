"""Fetches objects from S3, and from any other storage that fsspec knows, ahead of those that read them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any

import fsspec
import xxhash

from flowdb.errors import SourceChanged, SourceError, UsageError, gist

__all__ = ["RemoteFile", "RemoteObject", "Remotes", "failure", "said", "shown"]

# What is held in memory is no more than this many bytes for each object that is read or comes next.
_PIECE = 4 << 20
_FETCHERS = 16
_ATTEMPTS = 4
_WEB = ("http://", "https://")
# The parts of a query that sign a request for S3, Google and Azure: others for the same object tomorrow.
_SIGNATURE = re.compile(
    r"(x-amz-|x-goog-).*|awsaccesskeyid|googleaccessid|signature|expires"
    r"|sig|se|st|sv|sp|sr|ss|spr|sip|srt|sdd|scid|sk(oid|tid|t|e|s|v)",
    re.IGNORECASE,
)


class Remotes:
    """The storages that URLs lead to, each opened once, and the threads that fetch from them.

    `listed` is told, by any thread, how many more objects were listed. `options`
    are those of fsspec's file systems: for S3 `profile`, `region`, `endpoint_url`, `anon`,
    `requester_pays` and all others of `s3fs.S3FileSystem`.
    """

    def __init__(self, options: Mapping[str, object], listed: Callable[[int], None] | None = None) -> None:
        self._options = options
        self._listed = listed
        self._opened: dict[str, Any] = {}
        self._is_closed = False
        self.pool = ThreadPoolExecutor(_FETCHERS, "flowdb-fetch")

    def storage(self, url: str) -> Any:
        """Return the file system of a URL; raises `UsageError` where none takes it with these options."""
        scheme, _, rest = url.partition("://")
        host = f"{scheme}://{rest.partition('/')[0]}"
        if host not in self._opened:
            options = dict(self._options)
            if scheme in ("s3", "s3a") and (region := options.pop("region", None)):
                options["client_kwargs"] = {"region_name": region, **_mapping(options.get("client_kwargs"))}
            try:
                self._opened[host], _ = fsspec.url_to_fs(
                    host, skip_instance_cache=True, use_listings_cache=False, **options
                )
            except (ImportError, OSError, TypeError, ValueError) as error:
                raise UsageError(f"{shown(url)}: it cannot be opened ({said(error)})") from None
        return self._opened[host]

    def host(self, storage: Any) -> str:
        """Return the URL by which a file system was opened, which may have a password in it."""
        return next(host for host, opened in self._opened.items() if opened is storage)

    def count(self, objects: int) -> None:
        """Tell whoever watches that so many more objects were listed."""
        if self._listed is not None:
            self._listed(objects)

    def result(self, coming: Future[bytes]) -> bytes:
        """Return what was fetched, as soon as it is there; raises `CancelledError` once this is closed."""
        while not wait([coming], timeout=0.2).done:
            if self._is_closed:
                coming.cancel()
                raise CancelledError
        return coming.result()

    def read(self, storage: Any, path: str, start: int, count: int, etag: str = "") -> bytes:
        """Return a part of an object, if it is still the one of this ETag; raises what the storage raises."""
        if not count:
            return b""
        if not _is_s3(storage):
            return bytes(storage.cat_file(path, start=start, end=start + count))
        getting = _get(storage, path, start, count, etag)
        return self.result(asyncio.run_coroutine_threadsafe(getting, storage.loop))

    def close(self) -> None:
        """Fetch nothing more."""
        self._is_closed = True
        self.pool.shutdown(wait=False, cancel_futures=True)


class RemoteObject:
    """One object as it was listed; `modified` is in nanoseconds since 1970, or stands in for it.

    Its beginning is fetched by `begin`, before anyone reads it, and kept until `release`.
    """

    __slots__ = ("_first", "_remotes", "_storage", "etag", "modified", "path", "size", "uri")

    def __init__(self, remotes: Remotes, storage: Any, url: str, info: Mapping[str, Any]) -> None:
        self.path: str = info["name"]
        self.uri = shown(url)
        self._remotes = remotes
        self._storage = storage
        self._first: Future[bytes] | None = None
        if info.get("size") is None:
            info = storage.info(self.path)
        if info.get("size") is None:
            raise SourceError(self.uri, "its size is not known; download it first")
        self.size = int(info["size"])
        self.etag = str(info.get("ETag") or info.get("etag") or "")
        self.modified = _modified(info, self.etag)

    @property
    def host(self) -> str:
        """The URL of its file system, which may have a password in it."""
        return self._remotes.host(self._storage)

    @classmethod
    def listed(
        cls, remotes: Remotes, host: str, path: str, uri: str, size: int, etag: str, modified: int
    ) -> RemoteObject:
        """Return an object that was listed elsewhere."""
        one = cls.__new__(cls)
        one.path, one.uri, one.size, one.etag, one.modified = path, uri, size, etag, modified
        one._remotes, one._storage, one._first = remotes, remotes.storage(host), None
        return one

    def begin(self) -> None:
        """Have the beginning of it fetched."""
        if self._first is None:
            self._first = self._remotes.pool.submit(self.fetch, 0)

    def release(self) -> None:
        """Forget what was fetched."""
        self._first = None

    def open(self) -> RemoteFile:
        """Return it for reading."""
        self.begin()
        assert self._first is not None
        return RemoteFile(self, self._remotes, self._first)

    def fetch(self, start: int) -> bytes:
        """Return a piece of the content; raises `SourceError` once the retries are spent."""
        count = min(_PIECE, self.size - start)
        try:
            piece = self._remotes.read(self._storage, self.path, start, count, self.etag)
        except CancelledError:
            raise
        except FileNotFoundError:
            raise SourceError(self.uri, "it was listed, but is not there any more") from None
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            if _code(error) in ("PreconditionFailed", "412"):
                raise self.changed() from None
            raise failure(self.uri, error) from None
        if len(piece) != count:
            reason = f"{len(piece):,} bytes came where {count:,} were asked for; the next ingest tries again"
            raise SourceError(self.uri, reason)
        return piece

    def changed(self) -> SourceChanged:
        """Return the error that says so."""
        return SourceChanged(self.uri, "it changed since it was listed; the next ingest tries again")

    def has_changed(self) -> bool:
        """Tell whether it is another one than was listed; S3 itself refuses to send such a one."""
        if _is_s3(self._storage) and self.etag:
            return False
        try:
            info = self._storage.info(self.path)
        except Exception as error:  # noqa: BLE001 -- every storage has errors of its own
            raise failure(self.uri, error) from None
        etag = str(info.get("ETag") or info.get("etag") or "")
        return (info["size"], _modified(info, etag), etag) != (self.size, self.modified, self.etag)


class RemoteFile:
    """Reads an object from its beginning on; the next piece is fetched while one is read."""

    def __init__(self, one: RemoteObject, remotes: Remotes, first: Future[bytes]) -> None:
        self._object = one
        self._remotes = remotes
        self._next = first
        self._fetched = 0
        self._piece = memoryview(b"")

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into the buffer, and return how much."""
        if not self._piece:
            if self._fetched >= self._object.size:
                return 0
            self._piece = memoryview(self._remotes.result(self._next))
            self._fetched += len(self._piece)
            if self._fetched < self._object.size:
                self._next = self._remotes.pool.submit(self._object.fetch, self._fetched)
        count = min(len(buffer), len(self._piece))
        memoryview(buffer)[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def has_changed(self) -> bool:
        """Tell whether the object is another one than was listed."""
        return self._object.has_changed()

    def close(self) -> None:
        """Let go of what was read."""
        self._piece = memoryview(b"")


def shown(url: str) -> str:
    """Return a URL as it may be stored and shown: without user and password, or what signs a request.

    Where other parts of a query tell one object from another, a hash of them stands for them.
    """
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    is_web = url.startswith(_WEB)
    user, at, name = host.rpartition("@")
    if at and (is_web or ":" in user):
        host = name
    if is_web:
        path, _, query = path.partition("#")[0].partition("?")
        telling = [
            part for part in query.split("&") if part and not _SIGNATURE.fullmatch(part.partition("=")[0])
        ]
        if telling:
            path += f"?{xxhash.xxh3_64_hexdigest('&'.join(telling).encode())}"
    return f"{'s3' if scheme == 's3a' else scheme}://{host}{slash}{path}"


def failure(uri: str, error: Exception) -> SourceError:
    """Return what went wrong with a place or an object as one sentence that has nothing secret in it."""
    if isinstance(error, SourceError):
        return error
    if type(error).__name__ == "NoCredentialsError":
        return SourceError(uri, "no AWS credentials were found; name a profile, or ask anonymously")
    if isinstance(error, PermissionError):
        return SourceError(uri, f"access to it is refused ({said(error)})")
    if isinstance(error, TimeoutError):
        return SourceError(uri, "it cannot be read (no answer in time)")
    return SourceError(uri, f"it cannot be read ({said(error)})")


async def _get(storage: Any, path: str, start: int, count: int, etag: str) -> bytes:
    """Return a part of an S3 object if it is still the one of this ETag.

    botocore and s3fs repeat the request; an answer that breaks off is for the reader to repeat.
    """
    from s3fs.core import S3_RETRYABLE_ERRORS

    bucket = storage.split_path(path)[0]
    wanted = {"Bucket": bucket, "Key": path[len(bucket) + 1 :], **storage.req_kw}
    wanted["Range"] = f"bytes={start}-{start + count - 1}"
    if etag:
        wanted["IfMatch"] = etag
    for attempt in range(1, _ATTEMPTS + 1):
        answer = await storage._call_s3("get_object", **wanted)
        try:
            return bytes(await answer["Body"].read())
        except S3_RETRYABLE_ERRORS:
            if attempt == _ATTEMPTS:
                raise
        finally:
            answer["Body"].close()
    raise AssertionError


def _is_s3(storage: Any) -> bool:
    return "s3" in storage.protocol


def _code(error: Exception) -> str:
    """Return the code that S3 gave an error, if it did."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def said(error: Exception) -> str:
    """Return the words of an error as one line, without user, password or query of any URL in it."""
    # Delta Lake's library draws what lies behind an error with colours.
    plain = re.sub(r"(\x1b\[[0-9;]*m|↳)+ *", "", str(getattr(error, "strerror", None) or error))
    words = gist(plain) or type(error).__name__
    words = re.sub(r"(\w://)[^\s/]*@", r"\1", words)
    return re.sub(r"(\w://[^\s?\"']*)\?[^\s\"']*", r"\1", words).rstrip(".")


def _modified(info: Mapping[str, Any], etag: str) -> int:
    """Return when an object was last written; what has no time has a number made of its ETag instead."""
    for key in ("LastModified", "last_modified", "mtime", "updated", "created"):
        value = info.get(key)
        if isinstance(value, datetime):
            return round(value.timestamp() * 1_000_000) * 1000
        if isinstance(value, int | float):
            return round(value * 1_000_000) * 1000
    return xxhash.xxh32_intdigest((etag or str(info.get("Last-Modified", ""))).encode())


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}
