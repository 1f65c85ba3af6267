"""flowdb: a local analytical database for AWS VPC Flow Logs.

>>> import flowdb
>>> db = flowdb.open("flows")
>>> report = db.ingest("logs/")
>>> db.top_talkers(by="pair", top=20).show()
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowdb import errors
from flowdb.errors import FlowdbError

if TYPE_CHECKING:
    from flowdb import spark as spark
    from flowdb.database import FlowDB
    from flowdb.verification import VerifyReport

__all__ = ["FlowDB", "FlowdbError", "__version__", "errors", "open", "verify"]
__version__ = "0.1.0"


def open(path: str | os.PathLike[str] | None = None, **options: Any) -> FlowDB:  # noqa: A001 -- read as flowdb.open
    """Return the store at this path; where there is none yet, the first ingest makes it.

    Without a path it is the store that the command line takes without an option: that of
    `$FLOWDB_STORE`, or of your `flowdb.toml`, or `flows`. The options are those of `FlowDB`.
    """
    from flowdb.database import FlowDB

    if path is None:
        from flowdb.settings import Settings

        path = Settings.read().store
    return FlowDB(path, **options)


def verify(path: str | os.PathLike[str] = "flows", *, repair: bool = False) -> VerifyReport:
    """Check a store whole, even one that cannot be opened, and tell what is wrong; mend what can be."""
    from flowdb.urls import place_of
    from flowdb.verification import verify

    return verify(place_of(path), repair=repair)


def __getattr__(name: str) -> Any:
    # DuckDB is loaded when it is first needed: the command line answers --help without it.
    if name == "FlowDB":
        from flowdb.database import FlowDB

        return FlowDB
    if name == "spark":
        return import_module("flowdb.spark")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
