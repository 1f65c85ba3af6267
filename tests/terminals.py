"""Runs programs on a terminal of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect

BIN = Path(sys.executable).parent
_CLEAN = (
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "FLOWDB_STORE",
    "FORCE_COLOR",
    "LINES",
    "NO_COLOR",
    "XDG_STATE_HOME",
)
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07)")


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which nothing but what is given says how things look."""
    kept = {name: value for name, value in os.environ.items() if name not in _CLEAN}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **more}


def spawned(
    program: str, args: list[str], cwd: Path, *, width: int = 80, env: Mapping[str, str] | None = None
) -> Any:
    """Start a program on a terminal."""
    return pexpect.spawn(
        program,
        args,
        cwd=str(cwd),
        env=environment(**(env or {})),
        dimensions=(40, width),
        encoding="utf-8",
        timeout=60,
    )


def on_terminal(
    args: list[str], cwd: Path, *, width: int = 80, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run flowdb on a terminal; return how it ended and all that it wrote there."""
    child = spawned(sys.executable, ["-m", "flowdb", *args], cwd, width=width, env=env)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before.replace("\r\n", "\n")


def interrupted(command: list[str], cwd: Path) -> tuple[int, str]:
    """Start a command that asks a query, press Ctrl-C when it runs; return how it ended and what it said."""
    process = subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True)
    # DuckDB has threads of its own from when it begins.
    tasks = Path(f"/proc/{process.pid}/task")
    for _ in range(300 if tasks.exists() else 50):
        time.sleep(0.1)
        if tasks.exists() and len(list(tasks.iterdir())) > 2:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, said


def plain(shown: str) -> str:
    """Return what was written without what moves the cursor or colours."""
    return _ESCAPES.sub("", shown)
