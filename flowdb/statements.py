"""Tells where a statement of SQL ends, for whoever types it line by line."""

from __future__ import annotations

import re

__all__ = ["is_complete"]

_CLOSED = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$\w*\$).*?\1|--[^\n]*(?=\n|\Z)|/\*.*?\*/", re.DOTALL
)


def is_complete(text: str) -> bool:
    """Tell whether a text ends with a semicolon that no text, name or comment holds."""
    rest = _CLOSED.sub(lambda match: " " if match[0].startswith(("-", "/")) else "x", text)
    return rest.rstrip().endswith(";") and not re.search(r"['\"]|/\*|\$\w*\$", rest)
