"""Where a lake lies: a folder or a URL, as fsspec opens it and as Delta Lake's library does."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flowdb.errors import FlowdbError, StoreError, UsageError
from flowdb.urls import is_url

__all__ = ["LakePlace", "delta_options"]

# What fsspec's file systems of Google and Azure call their options, and what Delta Lake's library calls them.
_GOOGLE = {"token": "google_service_account"}
_AZURE = {
    name: f"azure_storage_{name}"
    for name in ("account_name", "account_key", "sas_token", "tenant_id", "client_id", "client_secret")
}
_NAMES = {"gs": _GOOGLE, "gcs": _GOOGLE} | dict.fromkeys(("abfss", "abfs", "az"), _AZURE)
# What Delta Lake's library does not take in the name of a folder, or takes for another character.
_REFUSED = re.compile(r"[\x00-\x1f%\[\]{}^|`\\\\]")
_DEFAULT_REGION = "us-east-1"


class LakePlace:
    """A folder or a URL, which may hold a lake: its absolute `location`, and `uri`, which has no secrets.

       `storage` is the file system for which `root` is its path.
    `options` are those of fsspec's file systems, as `flowdb ingest` has them.
    """

    def __init__(self, location: str | os.PathLike[str], options: Mapping[str, object] | None = None) -> None:
        from flowdb.remote import Remotes, shown

        location = os.fspath(location)
        if location.startswith("file://"):
            location = location.removeprefix("file://")
        if match := _REFUSED.search(location):
            said = shown(location) if is_url(location) else location
            raise UsageError(f"{said}: a lake's place has no {match[0]!r} in its name")
        self.options = dict(options or {})
        self.is_local = not is_url(location)
        if self.is_local:
            self.location = self.uri = os.path.abspath(os.path.expanduser(location))
            self.storage: Any = Remotes({}).storage("file:///")
            self.root = self.location
        else:
            self.location = location.rstrip("/")
            scheme, _, rest = self.location.partition("://")
            if scheme == "s3a":
                self.location = f"s3://{rest}"
            self.uri = shown(self.location)
            self.storage = Remotes(self.options).storage(self.location)
            self.root = str(self.storage._strip_protocol(self.location))

    def path(self, *parts: str) -> str:
        """Return the path of what lies here for `storage`."""
        return "/".join((self.root, *parts))

    def address(self, *parts: str) -> str:
        """Return the path or the URL of what lies here, as a reader of Parquet takes it."""
        return os.path.join(self.location, *parts) if self.is_local else "/".join((self.location, *parts))

    def delta(self, table: str) -> tuple[str, dict[str, str] | None]:
        """Return the place of a table and the options with which Delta Lake's library opens it."""
        if self.is_local:
            return self.address(table), None
        scheme, _, rest = self.location.partition("://")
        host, slash, path = rest.partition("/")
        url = f"{scheme}://{host}{slash}{quote(path)}/{table}"
        return url, delta_options(self.location, self.options, self._region)

    def names(self, *parts: str) -> list[str]:
        """Return the names of what lies in a folder; none where there is no such folder."""
        with self.told():
            try:
                listed = self.storage.ls(self.path(*parts), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            names = [str(path).rstrip("/").rpartition("/")[2] for path in listed]
            # A storage without folders may have an object that stands for this one.
            return [
                name
                for path, name in zip(listed, names, strict=True)
                if path.rstrip("/") != self.path(*parts)
            ]

    def put(self, file: Path, *parts: str) -> None:
        """Move a file of this machine to here, where it is whole as soon as it is there."""
        target = self.path(*parts)
        with self.told():
            if self.is_local:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.move(file, target)
            else:
                self.storage.put_file(str(file), target)
                file.unlink()

    def mark(self, *parts: str) -> None:
        """Put an empty file here, whose name says all."""
        target = self.path(*parts)
        with self.told():
            if self.is_local:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            self.storage.pipe_file(target, b"")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise `StoreError` for what the storage refuses."""
        from flowdb.remote import said

        try:
            yield
        except FlowdbError:
            raise
        except Exception as error:
            # What follows the first line of an error of Delta Lake's library is where in it that was.
            words = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
            raise StoreError(self.uri, f"the storage refused ({said(OSError(words))})") from error

    def _region(self) -> str:
        """Ask S3 for the region of the bucket."""
        try:
            answer = self.storage.call_s3("head_bucket", Bucket=self.root.partition("/")[0])
        except Exception:  # noqa: BLE001 -- who may not ask is told so by what follows
            return _DEFAULT_REGION
        return str(answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", _DEFAULT_REGION))


def delta_options(url: str, options: Mapping[str, object], region: Any = None) -> dict[str, str]:
    """Return what Delta Lake's library calls the options of fsspec's file system for a URL.

    Credentials of AWS are looked for where AWS's own tools do. `region` tells that of the bucket, should
    neither the options nor the environment.
    """
    scheme = url.partition("://")[0]
    if scheme in ("s3", "s3a"):
        return _s3_options(options, region)
    names = _NAMES.get(scheme, {})
    given = {
        names[name]: str(value) for name, value in options.items() if name in names and value is not None
    }
    if options.get("anon"):
        given[f"{'google' if names is _GOOGLE else 'azure'}_skip_signature"] = "true"
    return given


def _s3_options(options: Mapping[str, object], region: Any) -> dict[str, str]:
    from botocore.session import Session

    given = {**_mapping(options.get("client_kwargs")), **options}
    profile = given.get("profile")
    session = Session(profile=str(profile) if profile else None)
    said: dict[str, object] = {
        "aws_endpoint_url": given.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL")
    }
    if str(said["aws_endpoint_url"]).startswith("http://"):
        said["aws_allow_http"] = "true"
    said["aws_region"] = (
        given.get("region")
        or given.get("region_name")
        or os.environ.get("AWS_REGION")
        or session.get_config_variable("region")
        or (region() if region else _DEFAULT_REGION)
    )
    if given.get("anon"):
        said["aws_skip_signature"] = "true"
    elif given.get("key"):
        said |= {"aws_access_key_id": given["key"], "aws_secret_access_key": given.get("secret")}
        said["aws_session_token"] = given.get("token")
    elif credentials := session.get_credentials():
        keys = credentials.get_frozen_credentials()
        said |= {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        said["aws_session_token"] = keys.token
    return {name: str(value) for name, value in said.items() if value}


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}
