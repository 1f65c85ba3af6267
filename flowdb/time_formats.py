"""Formats of dates and times: MySQL's and Joda's, as Athena's functions take them, as DuckDB's."""

from __future__ import annotations

import re

__all__ = [
    "FormatUnknown",
    "has_year",
    "of_joda",
    "of_joda_elsewhere",
    "of_joda_utc",
    "of_mysql",
    "pieces_of_java",
]

_MYSQL = {
    "a": "%a",
    "b": "%b",
    "c": "%-m",
    "d": "%d",
    "e": "%-d",
    "f": "%f",
    "H": "%H",
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "j": "%j",
    "k": "%-H",
    "l": "%-I",
    "M": "%B",
    "m": "%m",
    "p": "%p",
    "r": "%I:%M:%S %p",
    "S": "%S",
    "s": "%S",
    "T": "%H:%M:%S",
    "v": "%V",
    "W": "%A",
    "x": "%G",
    "Y": "%Y",
    "y": "%y",
    "%": "%%",
}
# A letter of Joda's, with the least number of times that it is repeated for each of DuckDB's.
_JODA = {
    "y": ((1, "%Y"), (2, "%y"), (3, "%Y")),
    "Y": ((1, "%Y"), (2, "%y"), (3, "%Y")),
    "x": ((1, "%G"),),
    "w": ((1, "%V"),),
    "e": ((1, "%u"),),
    "D": ((1, "%-j"), (3, "%j")),
    "M": ((1, "%-m"), (2, "%m"), (3, "%b"), (4, "%B")),
    "d": ((1, "%-d"), (2, "%d")),
    "E": ((1, "%a"), (4, "%A")),
    "a": ((1, "%p"),),
    "h": ((1, "%-I"), (2, "%I")),
    "H": ((1, "%-H"), (2, "%H")),
    "m": ((1, "%-M"), (2, "%M")),
    "s": ((1, "%-S"), (2, "%S")),
    "S": ((3, "%g"), (6, "%f")),
    "Z": ((1, "%z"),),
}
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


class FormatUnknown(ValueError):
    """A format with a part that DuckDB has nothing for; the message names it."""


def of_mysql(text: str) -> str:
    """Return the DuckDB format for one of `date_format` and `date_parse`."""

    def one(match: re.Match[str]) -> str:
        # A letter that means nothing stands for itself, but for those that MySQL has and Trino refuses.
        if match[1] in "DUuVwX":
            raise FormatUnknown(f"the format has %{match[1]}, which Athena refuses too")
        return _MYSQL.get(match[1], match[1])

    if re.search(r"(?<!%)(%%)*%\Z", text):
        raise FormatUnknown("the format ends with %")
    return re.sub(r"%(.)", one, text, flags=re.DOTALL)


def of_joda(text: str, *, is_utc: bool = False) -> str:
    """Return the DuckDB format for one of `format_datetime` and `parse_datetime`.

    Of times that are all UTC, the offset is written down.
    """
    found = []
    for piece, quoted, letter in _joda_pieces(text):
        if not letter:
            found.append((quoted or "").replace("%", "%%"))
            continue
        if is_utc and letter == "Z":
            found.append({"Z": "+0000", "ZZ": "+00:00"}.get(piece, "UTC"))
            continue
        choices = [form for least, form in _JODA.get(letter, ()) if len(piece) >= least]
        if not choices or (letter == "S" and len(piece) not in (3, 6)):
            raise FormatUnknown(f"the format has {piece}, which has no translation")
        found.append(choices[-1])
    return "".join(found)


def of_joda_utc(text: str) -> str:
    """Return the DuckDB format for one of `format_datetime`, of times that are UTC."""
    return of_joda(text, is_utc=True)


def of_joda_elsewhere(text: str) -> str:
    """Return the DuckDB format for one of `format_datetime`, of times whose offset is not known."""
    if any(letter == "Z" for _, _, letter in _joda_pieces(text)):
        raise FormatUnknown("the format has Z, and the offset of a time AT TIME ZONE is not kept here")
    return of_joda(text)


def has_year(form: str) -> bool:
    """Tell whether a DuckDB format has a year in it."""
    return re.search(r"(?<!%)(%%)*%[YyG]", form) is not None


def pieces_of_java(text: str) -> list[tuple[str, str]]:
    """Return a Java date format as pieces: `("", text)`, and `(letters, "")` for yyyy, MM, dd."""
    found = []
    for piece, quoted, letter in _joda_pieces(text):
        if letter and piece not in (
            "yyyy",
            "uuuu",
            "YYYY",
            "yy",
            "MM",
            "M",
            "dd",
            "d",
            "HH",
            "H",
            "mm",
            "ss",
        ):
            raise FormatUnknown(f"the format {text!r} has {piece}, which a partition cannot be made of here")
        found.append((piece, "") if letter else ("", quoted or ""))
    return found


def _joda_pieces(text: str) -> list[tuple[str, str | None, str | None]]:
    """Return the pieces of a format: each whole, and its text or else its letter."""
    if text.count("'") % 2:
        raise FormatUnknown(f"the format {text!r} has a quote that nothing ends")
    pieces: list[tuple[str, str | None, str | None]] = []
    for match in _PIECE.finditer(text):
        if match[2]:
            pieces.append((match[0], None, match[2]))
        elif match[0].startswith("'"):
            pieces.append((match[0], (match[1] or "'").replace("''", "'"), None))
        else:
            pieces.append((match[0], match[0], None))
    return pieces
