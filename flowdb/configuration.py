"""Every setting as a row: what it is, and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowdb.errors import plural
from flowdb.settings import SETTINGS, Setting, Settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["shown"]

_MOST = 5


def shown(settings: Settings) -> duckdb.DuckDBPyRelation:
    """Return every setting, its value, where it comes from, and what it means."""
    rows = [
        (key, value, origin, one.variable, one.meaning)
        for one in SETTINGS
        for key, value, origin in _rows(settings, one)
    ]
    marks = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    query = f"SELECT * FROM (VALUES {marks}) AS settings (setting, value, source, variable, meaning)"
    return _memory().sql(query, params=[cell for row in rows for cell in row])


def _rows(settings: Settings, one: Setting) -> Iterator[tuple[str, str | None, str]]:
    """Yield the key, the value and the origin: of groups each, of names as many as a layer has."""
    found = settings.found(one.key)
    if one.key == "groups" and found.value:
        for name, (ranges, layer) in sorted(settings.entries(one.key).items()):
            more = f", and {len(ranges) - _MOST} more" if len(ranges) > _MOST else ""
            yield f"groups.{name}", ", ".join(ranges[:_MOST]) + more, layer.says(one.key)
    elif isinstance(one.default, list | dict) and found.value:
        for layer in settings.layers:
            if value := layer.values.get(one.key):
                text = ", ".join(value) if isinstance(value, list) else plural(len(value), "name")
                yield one.key, text, layer.says(one.key)
    else:
        yield one.key, _text(one, found.value), found.origin


def _text(one: Setting, value: object) -> str | None:
    """Return a value as TOML has it, but of a URL, which may be a secret, the host alone."""
    if value is None or value == [] or value == {}:
        return None
    if one.key == "webhook":
        try:
            parts = urlsplit(str(value))
        except ValueError:
            return "no URL"
        return f"{parts.scheme}://{parts.hostname}/..." if parts.hostname else "no URL"
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _memory() -> duckdb.DuckDBPyConnection:
    """Return a connection to no store; a relation does not keep its own alive."""
    import duckdb

    return duckdb.connect()
