"""Records in JSON: log events, Firehose objects, subscription documents, query results, or fields by name.

Documents follow each other with or without newlines, and are read piece by piece, however
large one is.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder, register_error
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import ijson

from flowdb.compression import Damaged, Text
from flowdb.fields import BY_NAME
from flowdb.layouts import LayoutUnknown
from flowdb.lines import gathered

__all__ = ["is_json", "json_records"]

_BOM = b"\xef\xbb\xbf"
_MESSAGES = ("message", "@message")
# What documents of log events have at their top, even those without an event.
_KNOWN = {"events", "logEvents", "results", "messageType"}
_EVENTS = (None, "events", "logEvents")
_CONTROL = "CONTROL_MESSAGE"
_TELLING = 3
_DEEPEST = 64
_BUFFER = 1 << 20
_LONGEST_VALUE = 32 << 20  # bytes; the time to read one grows with its square
# CloudWatch writes `srcAddr`, `startTime`; others `src_addr`.
_BY_SPELLING = {name.replace("-", ""): name for name in BY_NAME} | {"starttime": "start", "endtime": "end"}


def is_json(start: bytes) -> bool:
    """Tell whether a text is JSON: its first character begins an object or an array."""
    return start.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[")


def json_records(text: Text) -> Iterator[bytes]:
    """Yield the lines of the records in JSON documents, in blocks.

    A record whose fields have names of their own comes behind a header that has them. What
    is no record where one should be is a line too. Raises `LayoutUnknown` where no document
    is about log events.
    """
    return gathered(_lines(text))


@dataclass(slots=True)
class _Open:
    """An object or array that is open: the key that it is under; its plain values, or a row's fields."""

    is_array: bool
    key: str | None
    values: dict[str, Any] = field(default_factory=dict)
    is_known: bool = False


class _Reader:
    """Takes the events of a JSON parser, and gives a line for each record."""

    def __init__(self) -> None:
        self.is_known = False
        self._open: list[_Open] = []
        self._key: str | None = None
        self._names: tuple[str, ...] = ()

    def take(self, event: str, value: Any) -> Iterator[bytes]:
        """Take one event; yield the lines that it completes."""
        inside = self._open[-1] if self._open else None
        if event == "map_key":
            self._key = value
            if inside is not None and value in _KNOWN:
                inside.is_known = self.is_known = True
        elif event in ("start_map", "start_array"):
            if len(self._open) == _DEEPEST:
                raise Damaged("its JSON is nested too deeply")
            key = self._key if inside is not None and not inside.is_array else None
            self._open.append(_Open(event == "start_array", key))
        elif event in ("end_map", "end_array"):
            yield from self._ended(self._open.pop())
        elif inside is not None and not inside.is_array and self._key is not None:
            inside.values[self._key] = value

    def _ended(self, ended: _Open) -> Iterator[bytes]:
        around = self._open[-1] if self._open else None
        if any(one.values.get("messageType") == _CONTROL for one in (*self._open, ended)):
            return
        if ended.is_array:
            # One row of an Insights query: a list of fields, each with its name and its value.
            if ended.values:
                yield from self._record(ended.values, True)
        elif ended.key is not None or ended.is_known:
            return
        elif around is not None and ended.values.keys() == {"field", "value"}:
            around.values[str(ended.values["field"])] = ended.values["value"]
        else:
            yield from self._record(ended.values, around is None or around.key in _EVENTS)

    def _record(self, values: dict[str, Any], is_expected: bool) -> Iterator[bytes]:
        for name in _MESSAGES:
            if isinstance(message := values.get(name), str):
                self.is_known = True
                yield _encoded(message)
                return
        if "class_uid" in values:
            raise LayoutUnknown("it is OCSF as JSON, which is read as Parquet only")
        named = {_BY_SPELLING.get(_spelling(key), key): one for key, one in values.items() if key[:1] != "@"}
        if len(BY_NAME.keys() & named.keys()) < _TELLING:
            if is_expected:
                yield _encoded(json.dumps(values, default=str, ensure_ascii=False))
            return
        self.is_known = True
        names = tuple(named)
        if names != self._names:
            yield _encoded(" ".join(names))
            self._names = names
        yield _encoded(" ".join(map(_text, named.values())))


class _Utf8:
    """A text for a parser that takes nothing but UTF-8: other bytes become a character no record has.

    `unheard` counts what was read since the parser last had something to say.
    """

    def __init__(self, text: Text) -> None:
        self.unheard = 0
        self._text = text
        self._decoder = getincrementaldecoder("utf-8")("flowdb.json")
        if text.start(len(_BOM)) == _BOM:
            text.read(len(_BOM))

    def read(self, size: int) -> bytes:
        """Return the next bytes, about `size` of them."""
        while chunk := self._text.read(size):
            self.unheard += len(chunk)
            if self.unheard > _LONGEST_VALUE:
                raise Damaged("a value in its JSON is too long")
            if text := self._decoder.decode(chunk):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()


register_error("flowdb.json", lambda error: ("\\u0000", cast(UnicodeDecodeError, error).end))


def _lines(text: Text) -> Iterator[bytes]:
    reader = _Reader()
    content = _Utf8(text)
    try:
        for event, value in ijson.basic_parse(content, multiple_values=True, buf_size=_BUFFER):
            content.unheard = 0
            yield from reader.take(event, value)
    except (Damaged, LayoutUnknown):
        raise
    except ijson.IncompleteJSONError as error:
        raise Damaged(f"its JSON is cut short or damaged ({_first_line(error)})") from None
    except ijson.JSONError as error:
        raise Damaged(f"its JSON is damaged ({_first_line(error)})") from None
    except (ValueError, SystemError):
        # A number of thousands of digits, which the parser tells of one way or the other.
        raise Damaged("its JSON has a value that cannot be read") from None
    if not reader.is_known:
        raise LayoutUnknown("it is JSON without log events")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", "surrogatepass")


def _spelling(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value.adjusted()) < 20:
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
