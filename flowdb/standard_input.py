"""Standard input as a source: kept in a file while it is read, and known by what it holds."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from flowdb.errors import UsageError
from flowdb.sources import Source, fingerprint

__all__ = ["PLACE", "standard_input"]

PLACE = "-"
"""The place that stands for standard input."""
_URI = "stdin"


@contextmanager
def standard_input() -> Iterator[Source]:
    """Give all of standard input as a source; its records were delivered now.

    The same input is the same source again. Raises `UsageError` where there is none.
    """
    if sys.stdin is None:
        raise UsageError("there is no standard input to read")
    with tempfile.NamedTemporaryFile(prefix="flowdb-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        status = os.stat(file.name)
        source = Source(file.name, status.st_size, status.st_mtime_ns, _URI, datetime.now(UTC))
        yield replace(source, uri=f"{_URI}:{fingerprint(source)}") if source.size else source
