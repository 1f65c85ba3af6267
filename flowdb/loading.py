"""Loads pyarrow for an ingest: with allocators that keep for a while what is free.

They would give it back to the system almost at once, which takes long to give it out anew: blocks of
a source follow each other more slowly. Where pyarrow is loaded already, its own stays as it is.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_alone", "load_pyarrow"]

is_alone = False
"""Whether this process does nothing but run flowdb's command line."""

# Of pyarrow's allocator; read once, when the library is loaded. Milliseconds.
_KEEPING = {"MIMALLOC_PURGE_DELAY": "1000"}
# The system clears a huge page before its first byte is written, and many are never filled. It is so for
# the whole process.
_SMALL_PAGES = {"MIMALLOC_ALLOW_THP": "0"}
# What is larger is mapped anew each time; what is free beyond so much, at the end of the heap, is given back.
_MAPPED, _KEPT = 64 << 20, 256 << 20
_MAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # by their numbers in malloc.h
_loading = threading.Lock()


def load_pyarrow() -> None:
    """Load what an ingest needs of pyarrow, in whichever thread comes first."""
    with _loading:
        if "pyarrow" not in sys.modules:
            _keep_free()
            with _told(_KEEPING | _SMALL_PAGES if is_alone else _KEEPING), _without_numpy():
                import pyarrow.compute
                import pyarrow.csv
                import pyarrow.parquet  # noqa: F401


def _keep_free() -> None:
    """Tell the C library, where it is GNU's, of which compression and decompression get their memory."""
    if sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
        import ctypes

        library = ctypes.CDLL(None)
        if hasattr(library, "gnu_get_libc_version"):
            library.mallopt(_MAP_THRESHOLD, _MAPPED)
            library.mallopt(_TRIM_THRESHOLD, _KEPT)


@contextmanager
def _told(options: dict[str, str]) -> Iterator[None]:
    """Have these in the environment, where a person has not set them."""
    added = options.keys() - os.environ.keys()
    os.environ.update({name: options[name] for name in added})
    yield
    for name in added:
        os.environ.pop(name, None)


@contextmanager
def _without_numpy() -> Iterator[None]:
    """Hide numpy, which pyarrow would load if it were there, and needs for nothing here."""
    is_hidden = is_alone and "numpy" not in sys.modules
    if is_hidden:
        # With which Python says that there is none.
        sys.modules["numpy"] = None  # type: ignore[assignment]
    yield
    if is_hidden:
        sys.modules.pop("numpy", None)
