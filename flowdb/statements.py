"""Tells where a statement of SQL ends, for whoever types it line by line."""

from __future__ import annotations

import re

__all__ = ["is_complete", "without_end"]

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$\w*\$).*?\1|--[^\n]*|/\*", re.DOTALL)
_COMMENT = re.compile(r"/\*|\*/")
_OPEN = re.compile(r"['\"]|/\*|\$\w*\$")


def is_complete(text: str) -> bool:
    """Tell whether a text ends with a semicolon that no text, name or comment holds."""
    bare = _bare(text)
    return bare.rstrip().endswith(";") and not _OPEN.search(bare)


def without_end(text: str) -> str:
    """Return a text without its last semicolon and the comments behind it, which DuckDB takes for more."""
    bare = _bare(text).rstrip()
    return text[: len(bare.rstrip("; \n\t"))] if bare.endswith(";") else text


def _bare(text: str) -> str:
    """Return a text of the same length, with nothing in it of texts and names, and blanks for comments."""
    parts, place = [], 0
    while match := _TOKEN.search(text, place):
        end = match.end()
        if match[0] == "/*" and (end := _end_of_comment(text, end)) < 0:
            break
        is_comment = match[0].startswith(("--", "/*"))
        parts += [text[place : match.start()], (" " if is_comment else "x") * (end - match.start())]
        place = end
    return "".join([*parts, text[place:]])


def _end_of_comment(text: str, place: int) -> int:
    """Return where a comment ends that is open at a place, and may have others in it; -1 if nowhere."""
    depth = 1
    for match in _COMMENT.finditer(text, place):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return -1
