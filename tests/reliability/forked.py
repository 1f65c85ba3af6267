"""Runs the command line in processes that can be killed, each forked of one that has the libraries loaded."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import flowdb.faults
from flowdb import generated

__all__ = ["Ended", "Forked"]

_ROOT = Path(__file__).resolve().parent.parent.parent
# A fork of a process that has these is not for every system.
_CAN_FORK = sys.platform == "linux"
_LIBRARIES = ("duckdb", "isal.igzip", "pyarrow.compute", "pyarrow.csv", "pyarrow.parquet", "rich.progress")
_PATIENCE = 120.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or the negative number of the signal that killed it."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def was_killed(self) -> bool:
        return self.returncode == -signal.SIGKILL


class Forked:
    """Runs `flowdb ...`; every command is a process of its own, without the cost of its imports."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None
        if _CAN_FORK:
            self._server = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.reliability.forked"],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )

    def run(self, *argv: str, env: Mapping[str, str] | None = None, kill_after: float | None = None) -> Ended:
        """Run a command to its end, or kill it after so many seconds."""
        request = {"argv": argv, "env": dict(env or {}), "kill_after": kill_after}
        if self._server is None:
            return _run(request, _spawned)
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(request), file=self._server.stdin, flush=True)
        return Ended(**json.loads(self._server.stdout.readline()))

    def close(self) -> None:
        """End the process that forks."""
        if self._server is not None:
            self._server.communicate()

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _run(request: dict[str, Any], start: Any) -> Ended:
    """Start a command, kill it when its time has come, and tell how it ended."""
    began = time.monotonic()
    kill_at = began + (_PATIENCE if request["kill_after"] is None else request["kill_after"])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        pid = start(request, out.fileno(), said.fileno())
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            if time.monotonic() >= kill_at:
                os.kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                break
            time.sleep(0.001)
        out.seek(0)
        said.seek(0)
        return Ended(
            os.waitstatus_to_exitcode(status),
            out.read().decode(errors="replace"),
            said.read().decode(errors="replace"),
            time.monotonic() - began,
        )


def _spawned(request: dict[str, Any], out: int, said: int) -> int:
    command = [sys.executable, "-m", "flowdb", *request["argv"]]
    return subprocess.Popen(command, stdout=out, stderr=said, env=os.environ | request["env"]).pid


def _forked(request: dict[str, Any], out: int, said: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.dup2(out, 1)
        os.dup2(said, 2)
        os.environ.update(request["env"])
        importlib.reload(flowdb.faults)
        sys.argv = ["flowdb", *request["argv"]]
        from flowdb.cli import main

        try:
            code = int(main() or 0)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _serve() -> None:
    for name in (*_LIBRARIES, *(f"flowdb.{path.stem}" for path in (_ROOT / "flowdb").glob("[!_]*.py"))):
        importlib.import_module(name)
    # What a process needs once; the connection goes, as its threads do not live on in a fork.
    generated._template()
    generated._kept.__dict__.pop("connection")[1].close()
    for line in sys.stdin:
        ended = _run(json.loads(line), _forked)
        print(json.dumps(ended.__dict__), flush=True)


if __name__ == "__main__":
    _serve()
