"""Loads pyarrow, with an allocator that keeps for a second what is free.

After a hundredth of that it would be given back to the system, which takes long to give it out anew;
blocks of a source follow each other more slowly. Where pyarrow is loaded already, all stays as it is.
"""

from __future__ import annotations

import os

_DELAY = "MIMALLOC_PURGE_DELAY"  # milliseconds; read once, when the library is loaded
_is_given = _DELAY in os.environ
os.environ.setdefault(_DELAY, "1000")
import pyarrow  # noqa: E402, F401

if not _is_given:
    del os.environ[_DELAY]
