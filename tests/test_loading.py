"""What an ingest loads, and what it leaves as it was, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

_COMMAND = """
import os, sys
before = dict(os.environ)
from flowdb.cli import main
sys.argv = ["flowdb", "ingest", "--quiet", "--store", {store!r}, {logs!r}]
code = main()
added = sorted(os.environ.keys() - before.keys())
print(code, "pyarrow" in sys.modules, "numpy" in sys.modules, added)
"""
_API = """
import os
before = dict(os.environ)
import flowdb
with flowdb.open({store!r}) as db:
    records = db.ingest({logs!r}).records
import pyarrow as pa
print(records, int(pa.array([7]).to_numpy()[0]), dict(os.environ) == before)
"""


def _told(code: str, store: Path, logs: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code.format(store=str(store), logs=str(logs))],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_command_line_ingests_without_numpy(tmp_path: Path, logs: Path) -> None:
    told = _told(_COMMAND, tmp_path / "store", logs)
    assert told == "0 True False ['OPENBLAS_NUM_THREADS']"


def test_whoever_ingests_in_python_has_numpy_and_their_environment(tmp_path: Path, logs: Path) -> None:
    assert _told(_API, tmp_path / "store", logs) == "6 7 True"
