"""How what is written to a stream may look: as wide as its terminal, in its colours and its characters."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["COLORS", "Look", "cells_of", "console", "look_of", "printable"]

COLORS = ("auto", "always", "never")
_UNBOUNDED = 1_000_000
_DUMB = ("dumb", "unknown")


@dataclass(frozen=True, slots=True)
class Look:
    """What a stream shows; `width` is None where a line has no end, in a pipe or a file."""

    width: int | None = None
    is_terminal: bool = False
    is_colored: bool = False
    is_raw: bool = False
    encoding: str = "utf-8"

    @property
    def is_ascii(self) -> bool:
        """Whether nothing but ASCII is sure to be shown."""
        return not self.encoding.lower().startswith("utf")

    def text(self, value: str) -> str:
        """Return a text as it can be shown: printable, and in the characters that there are."""
        shown = printable(value)
        return shown.encode(self.encoding, "backslashreplace").decode(self.encoding)


def look_of(
    stream: TextIO, color: str = "auto", *, is_raw: bool = False, env: Mapping[str, str] = os.environ
) -> Look:
    """Return how what is written to a stream may look; of `color`, `auto` asks the environment.

    There `NO_COLOR` beats `CLICOLOR_FORCE` and `FORCE_COLOR`, and these beat that it is no terminal.
    """
    is_tty = stream.isatty()
    # A terminal that can do nothing is one on which nothing is drawn twice.
    is_terminal = is_tty and env.get("TERM", "") not in _DUMB
    return Look(
        width=shutil.get_terminal_size().columns if is_tty else None,
        is_terminal=is_terminal,
        is_colored=color == "always" or (color == "auto" and _is_colored(is_terminal, env)),
        is_raw=is_raw,
        encoding=stream.encoding or "ascii",
    )


def console(stream: TextIO, look: Look) -> Console:
    """Return what draws on a stream; the environment was asked already."""
    from rich.console import Console

    return Console(
        file=stream,
        width=look.width or _UNBOUNDED,
        force_terminal=look.is_terminal or look.is_colored,
        force_interactive=look.is_terminal,
        color_system="standard" if look.is_colored else None,
        no_color=not look.is_colored,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def printable(text: str, kept: str = "") -> str:
    """Return a text in which nothing but printable characters, and those `kept`, can reach a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)


def cells_of(text: str) -> int:
    """Return how many characters of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _is_colored(is_terminal: bool, env: Mapping[str, str]) -> bool:
    if env.get("NO_COLOR"):
        return False
    if any(env.get(name, "0") not in ("", "0", "false") for name in ("CLICOLOR_FORCE", "FORCE_COLOR")):
        return True
    return is_terminal and env.get("CLICOLOR") != "0"
