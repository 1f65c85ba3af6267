"""An S3 on a loopback port: moto's server, which remembers what it was asked and can be made to fail."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import get_canned_acl, s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "not-a-secret-but-it-looks-like-one"

_Start = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked: `key` without the bucket, and of a listing its prefix."""

    method: str
    bucket: str
    key: str
    prefix: str | None
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """How many bytes of an object are asked for, where it is a part that is asked for."""
        first, _, last = self.headers["range"].removeprefix("bytes=").partition("-")
        return int(last) - int(first) + 1


Fault = Callable[[Request], Response | None]


@dataclass
class S3:
    """The server as a test sees it."""

    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    most_at_once: int = 0

    def put(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Make a public bucket with these objects, or put them into the one that there is."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        if bucket not in backend.buckets:
            backend.create_bucket(bucket, "us-east-1")
        for key, content in objects.items():
            backend.put_object(bucket, key, content).acl = get_canned_acl("public-read")

    def fetched(self) -> Counter[str]:
        """Return how often each object was asked for."""
        return Counter(one.key for one in self.requests if one.method == "GET" and one.prefix is None)

    def listed(self) -> list[str]:
        """Return the prefixes that were listed, once for each page."""
        return [one.prefix for one in self.requests if one.prefix is not None]

    def reset(self) -> None:
        """Forget what was asked, and fail no more."""
        self.requests.clear()
        self.faults.clear()
        self.most_at_once = 0


class _Front:
    """Stands before moto: counts the requests, and answers those that are to fail."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._at_once = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        prefix = query.get("prefix", [""])[0] if "list-type" in query else None
        request = Request(environ["REQUEST_METHOD"], bucket, key, prefix, headers)
        with self._lock:
            self._s3.requests.append(request)
            self._at_once += 1
            self._s3.most_at_once = max(self._s3.most_at_once, self._at_once)
        try:
            for fault in self._s3.faults:
                if (response := fault(request)) is not None:
                    return response(environ, start)
            return self._moto(environ, start)  # type: ignore[no-any-return]
        finally:
            with self._lock:
                self._at_once -= 1


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[S3]:
    """Give a server that runs until the end."""
    s3 = S3()
    server = make_server("127.0.0.1", 0, _Front(s3), threaded=True, request_handler=_Quiet)
    s3.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def known(s3: S3, patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have the server found through the environment, with credentials that it takes and no others."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    patch.setenv("AWS_CONFIG_FILE", str(folder / "aws-config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "aws-credentials"))
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # If anything asked for metadata all the same, the server would see it.
    patch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s3.endpoint)
    patch.setenv("AWS_MAX_ATTEMPTS", "3")


@contextmanager
def serving_beside(bucket: str) -> Iterator[str]:
    """Give the address of a server in a process of its own, with an empty bucket.

    Some of Delta Lake's library waits for answers while it keeps the interpreter to itself.
    """
    code = (
        "import sys\nfrom tests import s3\nwith s3.serving() as server:\n"
        " server.put(sys.argv[1], {})\n print(server.endpoint, flush=True)\n sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, bucket],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def refusal(status: int, code: str, message: str) -> Response:
    """Return an error as S3 writes it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status, content_type="application/xml")


def failing(key: str, status: int, code: str, times: int = 1 << 30) -> Fault:
    """Return a fault by which this object is refused so often."""
    left = [times]

    def fault(request: Request) -> Response | None:
        if request.key != key or request.method != "GET" or left[0] <= 0:
            return None
        left[0] -= 1
        return refusal(status, code, "Please try again.")

    return fault


def slow(seconds: float, key: str | None = None) -> Fault:
    """Return a fault by which an object, or each, is long in coming."""

    def fault(request: Request) -> Response | None:
        if request.method == "GET" and request.key and key in (None, request.key):
            time.sleep(seconds)
        return None

    return fault
