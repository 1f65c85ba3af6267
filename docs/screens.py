"""Runs the commands of docs/terminal.md on a terminal: `python -m docs.screens` writes what they show."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

import flowdb

__all__ = ["PICTURE", "commands", "main", "picture", "screen", "written"]

PICTURE = Path(__file__).parent / "images" / "terminal.svg"
_PAGE = Path(__file__).parent / "terminal.md"
_WIDTH = 100
_WIDTH_OF_PICTURE = 125
_PICTURED = ("flowdb top-talkers --top 5", 'flowdb plot traffic-over-time --bucket "5 minutes"')
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)


def commands(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page, each with what it is said to show."""
    found: list[tuple[str, str]] = []
    for block in _BLOCK.findall(page):
        parts = _COMMAND.split(block)[1:]
        found += zip(parts[::2], parts[1::2], strict=True)
    return found


def screen(command: str, folder: Path, *, color: str = "never", width: int = _WIDTH) -> str:
    """Return what a command shows on a terminal, in a folder with a store."""
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FLOWDB_STORE")}
    words = shlex.split(command)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    words = [*words[1:], *(["--color", color] if color != "auto" else [])]
    child = pexpect.spawn(
        sys.executable,
        ["-m", "flowdb", *words],
        cwd=str(folder),
        env={**env, "TERM": "xterm-256color"},
        dimensions=(50, width),
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    lines = [line.rstrip() for line in child.before.replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).rstrip("\n") + "\n"


def written(page: str, folder: Path) -> str:
    """Return a page with what its commands show now."""

    def block(match: re.Match[str]) -> str:
        shown = [f"$ {command}\n{screen(command, folder)}" for command, _ in commands(match[0])]
        return "```console\n" + "\n".join(shown) + "```"

    return _BLOCK.sub(block, page)


def picture(folder: Path) -> str:
    """Return a picture in SVG of a terminal, which asks nothing of the network."""
    console = Console(record=True, width=_WIDTH_OF_PICTURE, file=io.StringIO())
    for command in _PICTURED:
        console.print(Text(f"$ {command}", style="bold green"))
        console.print(Text.from_ansi(screen(command, folder, color="always", width=_WIDTH_OF_PICTURE)))
    drawn = console.export_svg(title="flowdb", unique_id="flowdb")
    drawn = re.sub(r"@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL)  # from a network
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def main() -> None:
    """Write the page and the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with flowdb.open(folder / "flows") as db:
            db.ingest(Path(__file__).parent / "samples")
        _PAGE.write_text(written(_PAGE.read_text(encoding="utf-8"), folder), encoding="utf-8")
        PICTURE.write_text(picture(folder), encoding="utf-8")


if __name__ == "__main__":
    main()
