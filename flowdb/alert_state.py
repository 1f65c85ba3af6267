"""What alarms have told already: a small file, so that one trouble is told once."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flowdb.alerts import Alert, Firing
from flowdb.disk import sync_file, sync_folder
from flowdb.errors import StateError

__all__ = ["State", "held"]

_VERSION = 1


class State:
    """The troubles that were told, by what alarms are `told_as`; `save` writes them down."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = _read(path)
        self._old = dict(self._told)

    @property
    def is_changed(self) -> bool:
        """Tell whether there is anything to write down."""
        return self._told != self._old

    def new(self, firings: Sequence[Firing]) -> list[Firing]:
        """Return the first firing of each trouble that was not told."""
        found: dict[tuple[str, str], Firing] = {}
        for one in firings:
            key = _written(one.key)
            if key not in self._told.get(one.alert.told_as, ()):
                found.setdefault((one.alert.told_as, key), one)
        return list(found.values())

    def forget(self, alert: Alert, firings: Sequence[Firing]) -> None:
        """Forget what an alarm no longer fires for."""
        goes_on = {_written(one.key) for one in firings}
        if alert.told_as in self._told:
            self._told[alert.told_as] = [key for key in self._told[alert.told_as] if key in goes_on]

    def note(self, alert: Alert, firings: Sequence[Firing]) -> None:
        """Have all that an alarm fires for be told, and what it no longer fires for be forgotten."""
        self._told[alert.told_as] = list(dict.fromkeys(_written(one.key) for one in firings))

    def save(self) -> None:
        """Write the file, which is the old one or the new one whatever happens meanwhile."""
        told = {name: [json.loads(key) for key in keys] for name, keys in self._told.items() if keys}
        new = self._path.with_name(f"{self._path.name}.new")
        with _errors(self._path):
            new.write_text(json.dumps({"version": _VERSION, "told": told}, indent=1), encoding="utf-8")
            sync_file(new)
            os.replace(new, self._path)
            sync_folder(self._path.parent)


@contextmanager
def held(path: Path) -> Iterator[State]:
    """Give the state in a file, or an empty one, while no other process has it; raises `StateError`."""
    path = Path(os.path.abspath(path))
    lock = FileLock(f"{path}.lock")
    with _errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise StateError(str(path), "another flowdb alert is at work with it") from None
    try:
        with _errors(path):
            state = State(path)
        yield state
    finally:
        lock.release()


def _read(path: Path) -> dict[str, list[str]]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and content.get("version", 0) == _VERSION:
        told = content.get("told")
        if isinstance(told, dict) and all(isinstance(keys, list) for keys in told.values()):
            return {name: [_written(key) for key in keys] for name, keys in told.items()}
    said = "it is no state that this flowdb wrote; remove it, and what goes on is told once more"
    raise StateError(str(path), said)


def _written(key: object) -> str:
    return json.dumps(key, sort_keys=True)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Raise what the system says about the file as `StateError`."""
    try:
        yield
    except OSError as error:
        raise StateError(str(path), f"it cannot be used ({error.strerror or error})") from error
