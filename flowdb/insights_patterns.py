"""What `like`, `=~` and `parse` of CloudWatch Logs Insights look for, as regular expressions of DuckDB."""

from __future__ import annotations

import re
from functools import cache

from flowdb.quoting import quote_text

__all__ = ["captures", "glob_pattern", "matched", "rejection"]

_NAMED = re.compile(r"\(\?P?<(?P<name>[^>!=]+)>")
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?P?<[^>!=]+>|\(\?|\(|[^\\\[(]+|.", re.DOTALL
)


def matched(text: str, pattern: str, is_regex: bool) -> str:
    """Return the test whether a pattern is in a text, both as they stand in SQL."""
    if not is_regex:
        return f"contains({text}, {quote_text(pattern)})"
    return f"regexp_matches({text}, {quote_text(captures(pattern)[0])})"


def captures(pattern: str) -> tuple[str, list[tuple[str, int]]]:
    """Return a regular expression without the names of its groups, and the number of each group by name."""
    made, found, count = [], [], 0
    for part in _TOKEN.findall(pattern):
        named = _NAMED.fullmatch(part)
        if named:
            count += 1
            found.append((named["name"], count))
        elif part == "(":
            count += 1
        made.append("(" if named else part)
    return "".join(made), found


def glob_pattern(pattern: str) -> str:
    """Return the regular expression of a text in which each `*` stands for what is to be taken out."""
    parts = [re.escape(part) for part in pattern.split("*")]
    start = "^" if pattern.startswith("*") else ""
    end = "$" if pattern.endswith("*") else ""
    return f"(?s){start}{'(.*?)'.join(parts)}{end}"


@cache
def rejection(pattern: str) -> str | None:
    """Return what DuckDB has against a regular expression, or None."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_matches('', $1)", [captures(pattern)[0]]).fetchall()
        except duckdb.Error as error:
            return str(error).partition("\n")[0].partition(": ")[2]
    return None
