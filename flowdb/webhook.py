"""Posts JSON to a URL, at least once or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowdb.errors import UsageError, WebhookError

if TYPE_CHECKING:
    from urllib3.util import Url

__all__ = ["check_url", "post"]

_CONNECT_SECONDS, _READ_SECONDS = 2.0, 5.0
_TRIES = 4
_BUSY = (429, 500, 502, 503, 504)


def check_url(url: str) -> Url:
    """Return the parts of a URL, or raise `UsageError` if it is none of http or https."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parts = parse_url(url)
    except LocationParseError:
        parts = None
    # The rest of it may be a secret.
    if parts is None or parts.scheme not in ("http", "https") or not parts.host:
        raise UsageError("the webhook is no URL that begins with http:// or https:// and names a host")
    if parts.auth is not None:
        raise UsageError("the webhook has a user before its host, which is not sent; expected a URL without")
    return parts


def post(url: str, content: Mapping[str, object], *, pause: float = 0.5) -> None:
    """Post an object as JSON; raises `WebhookError` where no answer says that it was taken.

    Where nobody is there within two seconds, or the answer is that somebody is too busy, it is tried three
    times more: at once, after twice the `pause` in seconds, and after four times. An answer is awaited for
    five seconds, once: what is not answered may have been taken. No redirect is followed.
    """
    import urllib3
    from urllib3.exceptions import HTTPError, MaxRetryError

    parts = check_url(url)
    retries = urllib3.Retry(
        total=_TRIES - 1,
        # It may have been taken.
        read=0,
        redirect=False,
        allowed_methods=None,
        status_forcelist=_BUSY,
        backoff_factor=pause,
        # It may say a year.
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    headers = {"Content-Type": "application/json", "User-Agent": "flowdb"}
    body = json.dumps(content).encode()
    with urllib3.PoolManager() as pool:
        try:
            answer = pool.request(
                "POST",
                url,
                body=body,
                headers=headers,
                retries=retries,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                redirect=False,
                # Nobody reads it, however long it is.
                preload_content=False,
            )
        except HTTPError as error:
            cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
            raise WebhookError(parts.host or "", f"nobody could be told ({_said(cause)})") from error
        answer.close()
    if not 200 <= answer.status < 300:
        raise WebhookError(parts.host or "", f"it answered with status {answer.status}")


def _said(error: Exception) -> str:
    """Return in words what ended a request; what the error itself says has the URL in it."""
    from urllib3 import exceptions

    # In this order: each of the first three is one of the next as well.
    words = {
        exceptions.NameResolutionError: "no host has this name",
        exceptions.NewConnectionError: "no connection",
        exceptions.ConnectTimeoutError: f"no connection in {_CONNECT_SECONDS:g} seconds",
        exceptions.ReadTimeoutError: f"no answer in {_READ_SECONDS:g} seconds",
        exceptions.SSLError: "no secure connection",
        exceptions.ProtocolError: "the connection broke off",
    }
    return next((said for kind, said in words.items() if isinstance(error, kind)), type(error).__name__)
