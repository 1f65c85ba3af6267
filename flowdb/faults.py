"""Points in a commit at which a test can have the process die. Without `FLOWDB_FAULT` they do nothing.

`FLOWDB_FAULT=point` ends the process, as a loss of power would, where `point` is reached for
the first time; `point:3` where it is the third time. `FLOWDB_FAULT_LOG=file` writes down the
points that are reached, a line for each time.
"""

from __future__ import annotations

import os
import signal
from itertools import count

__all__ = ["LAKE_POINTS", "POINTS", "reached"]

POINTS = {
    "create.catalog": "the catalogue of a new store lies beside its place",
    "lock.taken": "the store is held, nothing is done yet",
    "upgrade.done": "a catalogue of an earlier version is upgraded, its ledgers are not",
    "sweep.file": "a file that a dead writer left is about to be removed",
    "read.done": "the sources are read, their last files not closed",
    "file.open": "a data file was opened",
    "file.written": "a data file is closed, but not on the disk",
    "file.synced": "a data file is on the disk",
    "files.done": "all files of a writer are on the disk",
    "ledger.written": "a file of a ledger is written, but not on the disk",
    "ledger.done": "the ledgers are on the disk",
    "catalog.commit": "the transaction is about to be committed",
    "catalog.done": "the transaction is committed",
    "generated.written": "the new generated file lies beside the old one",
    "generated.log": "the log of the old generated file is gone",
    "generated.moved": "the new generated file is in its place",
    "generated.done": "it is noted what the generated file shows",
    "backup.file": "a file is in the copy of a store",
    "backup.catalog": "all is in the copy of a store, but its catalogue lies beside its place",
    "repair.aside": "a damaged file is set aside",
    "repair.catalog": "a catalogue made anew lies beside its place",
    "retired.file": "a retired file is about to be removed",
    "retired.done": "retired files are gone, and still in the catalogue",
}
LAKE_POINTS = {
    "lake.created": "a table of a new lake is made",
    "spark.read": "a cluster has read the sources, and the receipts of its tasks lie beside the lake",
    "lake.tgw_flows": "the table of transit gateways has what the commit is to name",
    "lake.sources": "the ledger has what the commit is to name",
    "lake.bad_lines": "the quarantine has what the commit is to name",
    "lake.committed": "the commit is made, and the receipts are still there",
}
"""Those of the driver of an ingest on a cluster."""
_wanted, _, _times = os.environ.get("FLOWDB_FAULT", "").partition(":")
_log = os.environ.get("FLOWDB_FAULT_LOG")
_count = count(1)


def reached(point: str) -> None:
    """Die here if the environment says so."""
    if _log:
        with open(_log, "a", encoding="utf-8") as log:
            log.write(f"{point}\n")
    if point == _wanted and next(_count) == int(_times or 1):
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
