"""Runs the command line in processes that can be killed, each forked of one that has the libraries loaded."""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any

import flowdb.faults
from flowdb import generated, report_page

__all__ = ["Ended", "Forked"]

_ROOT = Path(__file__).resolve().parent.parent
# A fork of a process that has these is not for every system.
_CAN_FORK = sys.platform == "linux"
_LIBRARIES = (
    "duckdb",
    "isal.igzip",
    "pandas",
    "pyarrow.compute",
    "pyarrow.csv",
    "pyarrow.parquet",
    "rich.progress",
)
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
                [sys.executable, "-m", "tests.forked"],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        input: str = "",
        kill_after: float | None = None,
        file_limit: int | None = None,
    ) -> Ended:
        """Run a command to its end, or kill it after so many seconds.

        `env` is what its environment has besides that of this process, but for `FLOWDB_STORE`;
        no file that it writes may have more bytes than the limit.
        """
        environment = {key: value for key, value in os.environ.items() if key != "FLOWDB_STORE"}
        request = {
            "argv": argv,
            "env": environment | dict(env or {}),
            "cwd": str(cwd or Path.cwd()),
            "input": input,
            "kill_after": kill_after,
            "file_limit": file_limit,
        }
        # What a Python does once, when it starts, no fork of one does again.
        if self._server is None or any(name.startswith("PYTHON") for name in env or {}):
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
    with ExitStack() as stack:
        given = stack.enter_context(tempfile.TemporaryFile())
        given.write(request["input"].encode())
        given.seek(0)
        pipes = [os.pipe(), os.pipe()]
        pid = start(request, given.fileno(), *(write for _, write in pipes))
        said = {read: BytesIO() for read, _ in pipes}
        selector = stack.enter_context(selectors.DefaultSelector())
        for read, write in pipes:
            os.close(write)
            stack.callback(os.close, read)
            selector.register(read, selectors.EVENT_READ)
        is_killed = False
        while selector.get_map():
            for key, _ in selector.select(None if is_killed else max(kill_at - time.monotonic(), 0)):
                if chunk := os.read(key.fd, 1 << 16):
                    said[key.fd].write(chunk)
                else:
                    selector.unregister(key.fd)
            if not is_killed and time.monotonic() >= kill_at:
                os.kill(pid, signal.SIGKILL)
                is_killed = True
        _, status = os.waitpid(pid, 0)
    stdout, stderr = map(_text, said.values())
    return Ended(os.waitstatus_to_exitcode(status), stdout, stderr, time.monotonic() - began)


def _text(said: BytesIO) -> str:
    """Return what was said, its lines ended as `subprocess` ends those of a text."""
    said.seek(0)
    return TextIOWrapper(said, encoding="utf-8", errors="replace").read()


def _spawned(request: dict[str, Any], given: int, out: int, said: int) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "flowdb", *request["argv"]],
        cwd=request["cwd"],
        env=request["env"],
        stdin=given,
        stdout=out,
        stderr=said,
        preexec_fn=lambda: _limit(request["file_limit"]),
    )
    # It is waited for by its number.
    process.returncode = 0
    return process.pid


def _forked(request: dict[str, Any], given: int, out: int, said: int) -> int:
    with warnings.catch_warnings():
        # Threads of the libraries, of which none holds a lock that a command wants.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        for number, file in enumerate((given, out, said)):
            os.dup2(file, number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- as long as the process
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        tempfile.tempdir = None
        time.tzset()
        importlib.reload(flowdb.faults)
        _limit(request["file_limit"])
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


def _limit(size: int | None) -> None:
    if size is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _prepare(argv: list[str]) -> None:
    """Load once what such a command takes a second or two to load."""
    if "report" in argv[:1]:
        importlib.import_module("altair")
        report_page._bundle()
    if any("s3://" in one for one in argv):
        importlib.import_module("s3fs")


def _serve() -> None:
    for name in (*_LIBRARIES, *(f"flowdb.{path.stem}" for path in (_ROOT / "flowdb").glob("[!_]*.py"))):
        importlib.import_module(name)
    # What a process needs once; the connection goes, as its threads do not live on in a fork.
    generated._template()
    generated._kept.pop()[1].close()
    for line in sys.stdin:
        request = json.loads(line)
        _prepare(request["argv"])
        ended = _run(request, _forked)
        print(json.dumps(ended.__dict__), flush=True)


if __name__ == "__main__":
    _serve()
