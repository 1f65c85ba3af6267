"""The command that opens a prompt on a store: DuckDB's own shell where there is one, else a small one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from flowdb.dialects import ASKED
from flowdb.errors import StoreMissing
from flowdb.options import Choice
from flowdb.terminal import look, opened, output_option, store_option, tell
from flowdb.urls import is_url

__all__ = ["shell"]

_OLDEST = (1, 4)


@click.command()
@click.option("--builtin", is_flag=True, help="The small prompt, also where there is a DuckDB shell.")
@click.option(
    "--dialect",
    type=Choice(ASKED),
    default="duckdb",
    show_default=True,
    help="The language of queries; any but duckdb needs the small prompt.",
)
@store_option
@output_option
@click.pass_context
def shell(context: click.Context, builtin: bool, dialect: str, store: str, output: str) -> None:
    """Open a prompt for SQL on the store, which is opened for reading alone.

    It is DuckDB's own shell where there is one (pip install duckdb-cli), else, and for a lake or a URL, a
    small one with history and completion, which shows tables as `flowdb sql` does. Statements may also
    come from standard input.
    """
    is_shown_here = any(
        context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        for name in ("output", "raw", "color")
    )
    from flowdb.store import is_lake

    is_file = not is_url(store) and not is_lake(Path(os.path.expanduser(store)))
    if not builtin and dialect == "duckdb" and is_file and not is_shown_here:
        program = _duckdb()
        if program is not None:
            _become(program, store)
        tell("note: this is the small prompt; pip install duckdb-cli has DuckDB's own shell")
    from flowdb.shell import Shell

    with Shell(store, dialect, output, look()) as prompt:
        if sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty():
            prompt.prompt()
        elif sys.stdin is not None:
            prompt.read(sys.stdin)


def _duckdb() -> str | None:
    """Return the DuckDB shell on the path, or beside this Python; None for none, or one that is too old."""
    beside = Path(sys.executable).parent / "duckdb"
    program = shutil.which("duckdb") or (str(beside) if os.access(beside, os.X_OK) else None)
    if program is None:
        return None
    try:
        said = subprocess.run(  # noqa: S603 -- the person's own program
            [program, "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        tell(f"note: {program} is older than 1.4, and not used")
        return None
    return program


def _become(program: str, store: str) -> None:
    """Let the DuckDB shell take the place of this process, on the newest commit of the store."""
    with opened(store) as db:
        path = db.path / "flowdb.duckdb"
        if not path.exists():
            raise StoreMissing(str(db.path))
    sys.stdout.flush()
    os.execv(program, [program, "-readonly", str(path)])  # noqa: S606 -- as a shell would
