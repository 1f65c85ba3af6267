"""Records wrapped in lines: what CloudWatch Logs writes around a record, taken off it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from flowdb.compression import Damaged, Text
from flowdb.lines import blocks, first_lines, gathered

__all__ = ["csv_messages", "events", "has_message_column", "has_stamps", "is_event_list", "stamped"]

_MOMENT = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?"
# An export task writes the time in UTC; `aws logs tail` with an offset and the stream, or neither.
_STAMP = re.compile(rb"^(?:\d{13}|" + _MOMENT + rb"(?:Z|[+-]\d\d:?\d\d [^ \n]+)?) ", re.MULTILINE)
_EVENT = re.compile(rb"^EVENTS\t(?:[^\t\n]*\t)*([^\t\n]*)\t\d+\r?$", re.MULTILINE)
_NO_EVENT = re.compile(rb"^(?:[A-Z]+\t|[bf]/\S+\t[bf]/\S+$|None$)[^\n]*$", re.MULTILINE)
_MESSAGE = ("message", "@message")
_SNIFFED = 20


def has_stamps(start: bytes) -> bool:
    """Tell whether most of the first lines begin with the time of an event."""
    lines = first_lines(start, _SNIFFED)
    return sum(_STAMP.match(line) is not None for line in lines) * 2 > len(lines)


def stamped(text: Text) -> Iterator[bytes]:
    """Yield the records of lines that begin with the time of an event, and maybe its stream."""
    for block in blocks(text):
        yield _STAMP.sub(b"", block)


def is_event_list(start: bytes) -> bool:
    """Tell whether a text is what the AWS command line prints of log events with `--output text`."""
    return any(_EVENT.match(line) for line in first_lines(start, _SNIFFED))


def events(text: Text) -> Iterator[bytes]:
    """Yield the messages of log events as the AWS command line prints them with `--output text`."""
    for block in blocks(text):
        yield _NO_EVENT.sub(b"", _EVENT.sub(rb"\1", block))


def has_message_column(start: bytes) -> bool:
    """Tell whether the first line is that of a CSV with a column of messages."""
    lines = first_lines(start, 1)
    return bool(lines) and _message_column(lines[0]) is not None


def _message_column(line: bytes) -> int | None:
    """Return which column of a CSV has the messages, by its first line."""
    names = [name.strip().strip('"').lower() for name in line.decode("utf-8", "replace").split(",")]
    return next((names.index(name) for name in _MESSAGE if name in names), None)


def csv_messages(text: Text) -> Iterator[bytes]:
    """Yield the messages in a CSV that the CloudWatch console exported."""
    return gathered(_csv_rows(text))


def _csv_rows(text: Text) -> Iterator[bytes]:
    rows = csv.reader(_decoded(blocks(text)))
    place: int | None = None
    try:
        for row in rows:
            if place is None:
                place = _message_column(",".join(row).encode("utf-8", "surrogateescape"))
                continue
            # A row without that column is no message: it goes where lines that are no records go.
            message = row[place] if len(row) > place else ",".join(row)
            yield message.encode("utf-8", "surrogateescape")
    except csv.Error as error:
        raise Damaged(f"its CSV is damaged ({error})") from None


def _decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    for piece in pieces:
        for line in piece.decode("utf-8-sig", "surrogateescape").removesuffix("\n").split("\n"):
            yield line + "\n"
