"""Files that outlive a loss of power."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import xxhash

__all__ = ["checksum", "sync_beginning", "sync_file", "sync_folder", "sync_folders", "sync_new_folder"]


def sync_file(path: Path) -> tuple[int, str]:
    """Force a file to the disk; return its size and the hash of its bytes."""
    digest = xxhash.xxh3_128()
    with open(path, "rb+") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        os.fsync(file.fileno())
        return file.tell(), digest.hexdigest()


def sync_beginning(path: Path) -> None:
    """Force what a file that still grows has to the disk, where the system can: little is left at its end."""
    if hasattr(os, "fdatasync"):
        _force(path, os.fdatasync)


def checksum(path: Path) -> tuple[int, str]:
    """Return the size of a file and the hash of its bytes."""
    digest = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        return file.tell(), digest.hexdigest()


def sync_new_folder(folder: Path) -> None:
    """Make a folder, and those above it, where there is none yet, and force their names to the disk."""
    if folder.exists():
        return
    sync_new_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if os.name != "nt":
        _force(folder, os.fsync)


def sync_folders(root: Path, folders: Iterable[Path]) -> None:
    """Force the names in folders, and in those above them up to `root`, to the disk.

    Whoever made a folder may have died before its name was there.
    """
    for folder in {above for one in folders for above in (one, *one.parents)}:
        if folder.is_relative_to(root) and folder.is_dir():
            sync_folder(folder)


def _force(path: Path, sync: Callable[[int], object]) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)
