"""flowdb: a local analytical database for AWS VPC Flow Logs.

>>> import flowdb
>>> db = flowdb.open("flows")
>>> report = db.ingest("logs/")
>>> db.top_talkers(by="pair", top=20).show()
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flowdb import errors
from flowdb.errors import FlowdbError

if TYPE_CHECKING:
    from flowdb.database import FlowDB

__all__ = ["FlowDB", "FlowdbError", "__version__", "errors", "open"]
__version__ = "0.1.0"


def open(  # noqa: A001 -- read as flowdb.open
    path: str | os.PathLike[str] = "flows", *, sandbox: bool = False
) -> FlowDB:
    """Return the store at this path; where there is none yet, the first ingest makes it.

    In a `sandbox` SQL can only read, and nothing but the store.
    """
    from flowdb.database import FlowDB

    return FlowDB(path, sandbox=sandbox)


def __getattr__(name: str) -> Any:
    # DuckDB is loaded when it is first needed: the command line answers --help without it.
    if name == "FlowDB":
        from flowdb.database import FlowDB

        return FlowDB
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
