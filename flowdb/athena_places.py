"""Finds the place in an Athena query that an error of DuckDB's, which saw the translation, speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from unicodedata import east_asian_width

from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from flowdb.analyses import called_statements
from flowdb.athena import Statement, split
from flowdb.athena_functions import functions

__all__ = ["PADDING", "place_of"]

PADDING = "\n" * 100_000
"""What a translation is asked after: a place that lies in it is one in a macro, which has its own."""
_PICTURE = re.compile(r"\n\nLINE (\d+): (.*)\n( *)(\^+)")
_NAMED = re.compile(r'(?:column|[Tt]able|[Ff]unction)(?: named?| with name)? "?([^\s".]+)"?(?=[\s.!]|\Z)')
_MOST_TOKENS = 3000
_LEAST_SHOWN = 20
_NO_SCALAR = (
    "FROM",
    "JOIN",
    "IN",
    "EXISTS",
    "AS",
    "ALL",
    "ANY",
    "SOME",
    "ON",
    "UNION",
    "EXCEPT",
    "INTERSECT",
)
_PATTERNED = (
    "REGEXP_LIKE",
    "REGEXP_EXTRACT",
    "REGEXP_EXTRACT_ALL",
    "REGEXP_REPLACE",
    "REGEXP_SPLIT",
    "REGEXP_COUNT",
)
# What is at fault where DuckDB says this, if the query has it once.
_FAULTS = (
    ("Division by zero", ("/", "%", "MOD")),
    ("Overflow in addition", ("+",)),
    ("Overflow in subtraction", ("-",)),
    ("Overflow in multiplication", ("*",)),
    ("according to format specifier", ("DATE_PARSE", "PARSE_DATETIME")),
    ("is no IP address", ("IPADDRESS",)),
    ("Set operations can only", ("UNION", "INTERSECT", "EXCEPT")),
    *(
        (sign, _PATTERNED)
        for sign in ("missing ", "invalid ", "no argument for repetition", "bad repetition")
    ),
)


def place_of(statement: Statement, sql: str, said: str) -> int:
    """Return where in the whole text that is which DuckDB said of a translation; else where it begins.

    What was said is of the translation after `PADDING`.
    """
    for find in (_pointed, _named, _divided, _quoted, _several_rows, _at_fault, _in_macro):
        if (place := find(statement, sql, said)) is not None:
            return place
    return statement.start


def _pointed(statement: Statement, sql: str, said: str) -> int | None:
    """Find the place that DuckDB shows a picture of."""
    found = _PICTURE.search(said)
    lines = sql.split("\n")
    number = int(found[1]) - len(PADDING) - 1 if found else -1
    if found is None or not 0 <= number < len(lines):
        return None
    # A long line is shown in part.
    shown = found[2].removeprefix("...") if not lines[number].startswith("...") else found[2]
    start = lines[number].find(shown.removesuffix("..."))
    width = len(found[3]) - len(f"LINE {found[1]}: ") - (len(found[2]) - len(shown))
    if start < 0 or width < 0:
        return None
    # A character may be as wide as two.
    place = 0
    while place < len(shown) and width > 0:
        width -= 2 if east_asian_width(shown[place]) in "WF" else 1
        place += 1
    offset = sum(len(line) + 1 for line in lines[:number]) + start + place
    # DuckDB before 2.0 shows only where it begins.
    length = len(found[4]) if len(found[4]) > 1 else _LEAST_SHOWN
    return _aligned(statement, sql, offset, offset + length)


def _aligned(statement: Statement, sql: str, first: int, last: int) -> int | None:
    """Return where the first word that lies between two places of the translation is in the query."""
    (translated,) = split(sql)
    mine, theirs = statement.tokens, translated.tokens
    if max(len(mine), len(theirs)) > _MOST_TOKENS:
        return None
    matcher = SequenceMatcher(None, [*map(_word, mine)], [*map(_word, theirs)], autojunk=False)
    here: dict[int, int] = {}
    for one, two, size in matcher.get_matching_blocks():
        here |= {two + n: mine[one + n].start for n in range(size)}
    seen = False
    for number, token in enumerate(theirs):
        if token.end < first or (seen and token.start >= last):
            continue
        seen = True
        if number in here and (_is_word(token) or token.start == first):
            return here[number]
    return None


def _named(statement: Statement, _: str, said: str) -> int | None:
    """Find the name that DuckDB speaks of."""
    found = _NAMED.search(said)
    return _first(one.start for one in statement.tokens if found and _word(one) == found[1].lower())


def _divided(statement: Statement, _: str, said: str) -> int | None:
    """Find the division whose operands have the most words in common with the one that failed."""
    found = re.search(r"in expression \((.*)\)\. Use", said)
    if found is None:
        return None
    words = set(re.findall(r"\w+|[/%]", found[1].lower()))
    ranked = []
    for number, token in enumerate(statement.tokens):
        if _word(token) not in ("/", "%", "mod"):
            continue
        beside = {*_operand(statement.tokens[number + 1 :]), "%" if _word(token) == "mod" else _word(token)}
        if _word(token) != "mod":
            beside |= {*_operand(statement.tokens[:number][::-1])}
        ranked.append((len(words & beside) / len(words | beside), token.start))
    best = [place for rank, place in ranked if rank == max(ranked)[0]]
    return best[0] if len(best) == 1 else None


def _operand(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the words of what begins with the first token, or ends with it where they run backwards."""
    depth = 0
    for number, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0) * (1 if tokens[0].text != ")" else -1)
        if _is_word(token):
            yield _word(token)
        following = tokens[number + 1].text if number + 1 < len(tokens) else ""
        if depth <= 0 and following not in ("(", "."):
            return


def _quoted(statement: Statement, _: str, said: str) -> int | None:
    """Find the text that DuckDB could make nothing of, where the query has it written out once."""
    values = {one.strip("'\"") for one in re.findall(r"'[^']+'|\"[^\"]+\"", said.partition("\n\n")[0])}
    return _only(one.start for one in statement.tokens if _is_text(one) and one.text in values)


def _several_rows(statement: Statement, _: str, said: str) -> int | None:
    """Find the only query that stands for one value."""
    if "More than one row returned by a subquery" not in said:
        return None
    words = [_word(one).upper() for one in statement.tokens]
    return _only(
        statement.tokens[n].start
        for n in range(1, len(words) - 1)
        if words[n] == "(" and words[n + 1] in ("SELECT", "WITH") and words[n - 1] not in _NO_SCALAR
    )


def _at_fault(statement: Statement, _: str, said: str) -> int | None:
    """Find the only operator or function that can fail so."""
    words = next((words for sign, words in _FAULTS if sign in said), ())
    return _only(one.start for one in statement.tokens if _word(one).upper() in words)


def _in_macro(statement: Statement, _: str, said: str) -> int | None:
    """Find the only function whose macro calls the one that DuckDB has no match for."""
    found = re.search(r"argument types '(\w+)\(", said)
    if found is None:
        return None
    targets = {name: one.target for name, one in functions().items() if one.target.startswith("athena_")}
    bodies = {name: "\n".join(called_statements(target)) for name, target in targets.items()}
    return _only(
        one.start
        for one in statement.tokens
        if re.search(rf"\b{found[1]}\(", bodies.get(_word(one), "")) is not None
    )


def _word(token: Token) -> str:
    return str(token.text).lower() if not _is_text(token) else f"'{token.text}"


def _is_text(token: Token) -> bool:
    return bool(token.token_type == TokenType.STRING)


def _is_word(token: Token) -> bool:
    return _is_text(token) or re.match(r"\w", token.text) is not None


def _first(places: Iterator[int]) -> int | None:
    return next(places, None)


def _only(places: Iterator[int]) -> int | None:
    found = [*places]
    return found[0] if len(found) == 1 else None
