"""flowdb: a local analytical database for AWS VPC Flow Logs.

>>> import flowdb
>>> db = flowdb.open("flows")
>>> db.ingest("logs/")
>>> db.top_talkers(by="pair", top=20).df()
"""

from flowdb import errors
from flowdb.database import FlowDB
from flowdb.database import open_store as open  # noqa: A004 -- read as flowdb.open
from flowdb.errors import FlowdbError

__all__ = ["FlowDB", "FlowdbError", "__version__", "errors", "open"]
__version__ = "0.1.0"
