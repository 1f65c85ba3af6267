"""What took long to make and is made alike again: among the caches of a person, for the next process."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import xxhash

__all__ = ["folder", "keep", "kept"]

_DIGEST = 32  # characters, before what they are the digest of


def folder() -> Path | None:
    """Return the folder of flowdb's caches, which need not be there; None for nobody who has a home."""
    try:
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (given if given.is_absolute() else Path("~/.cache").expanduser()) / "flowdb"
    except RuntimeError:
        return None


def kept(name: str) -> bytes | None:
    """Return what was kept under a name, if it is whole and nobody else can have written it."""
    place = folder()
    # What is no file, as a pipe, would be waited for.
    if place is None or not (place / name).is_file():
        return None
    try:
        with open(place / name, "rb") as file:
            found = os.fstat(file.fileno())
            if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022):
                return None
            digest, content = file.read(_DIGEST), file.read()
    except OSError:
        return None
    return content if digest == _digest(content) else None


def keep(name: str, content: bytes, others: str) -> None:
    """Keep bytes under a name, in place of the `others`, a glob pattern; nothing where that cannot be."""
    place = folder()
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".kept-", dir=place) as beside:
            new = Path(beside, name)
            new.write_bytes(_digest(content) + content)
            new.chmod(0o600)
            replaced = [path for path in place.glob(others) if path.name != name]
            os.replace(new, place / name)
        for path in replaced:
            path.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return xxhash.xxh3_128_hexdigest(content).encode()
