"""Runs programs on a terminal of their own."""

from __future__ import annotations

import os
import re
import sys
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


def plain(shown: str) -> str:
    """Return what was written without what moves the cursor or colours."""
    return _ESCAPES.sub("", shown)
