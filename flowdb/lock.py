"""The lock of a store, which one process holds at a time, and which the system takes back when it dies."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowdb.disk import sync_file, sync_folder
from flowdb.errors import StoreBusy, StoreError
from flowdb.faults import reached

if TYPE_CHECKING:
    from filelock import FileLock

__all__ = ["HOLDER", "LOCK", "is_held", "locked", "os_errors"]

LOCK = "lock"
HOLDER = "writer.json"
_REFRESH = "refresh"
# A reader holds the store for a moment, to generate its file again or to see whether somebody holds it:
# no reason to turn a writer away. What a dead process wrote down says nothing of who holds it now.
_PATIENCE = {_REFRESH: 10.0, None: 1.0}  # seconds


@contextmanager
def locked(root: Path, verb: str) -> Iterator[bool]:
    """Hold a store's lock; tell whether whoever held it last died at work.

    Raises `StoreBusy` where another process holds it.
    """
    from filelock import FileLock  # of which a reader needs nothing

    lock = FileLock(root / LOCK)
    holder = root / HOLDER
    with os_errors(root):
        _acquire(lock, root, holder, is_patient=verb != _REFRESH)
    try:
        with os_errors(root):
            has_died = holder.exists()
            now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
            holder.write_text(json.dumps({"pid": os.getpid(), "verb": verb, "since": now}), encoding="utf-8")
            # What a writer leaves behind when the power fails must not outlast the word that it was there.
            sync_file(holder)
            sync_folder(root)
        reached("lock.taken")
        yield has_died
    except BaseException:
        lock.release()
        raise
    else:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def is_held(root: Path) -> bool:
    """Tell whether a process holds the store's lock just now."""
    if not (root / LOCK).exists():
        return False
    from filelock import FileLock, Timeout

    lock = FileLock(root / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _acquire(lock: FileLock, root: Path, holder: Path, *, is_patient: bool) -> None:
    from filelock import Timeout

    started = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            known = _known(holder)
            verb = known.get("verb") if _is_alive(known.get("pid")) else None
            if is_patient and time.monotonic() - started < _PATIENCE.get(verb, 0):
                time.sleep(0.01)
                continue
            raise StoreBusy(str(root), known.get("pid"), known.get("verb"), known.get("since")) from None
        return


def _known(holder: Path) -> dict[str, Any]:
    try:
        known = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _is_alive(pid: object) -> bool:
    """Tell whether there is such a process, as far as this one can know."""
    if os.name == "nt" or not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


@contextmanager
def os_errors(root: Path, used: str = "written") -> Iterator[None]:
    """Raise what the system says about the store's own files as `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(str(root), f"it cannot be {used} ({error.strerror or error})") from error
