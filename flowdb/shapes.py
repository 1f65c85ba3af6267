"""The shapes in which records are delivered, each known by content: the one table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flowdb.compression import Text
from flowdb.documents import is_json, json_records
from flowdb.layouts import header_names
from flowdb.lines import blocks, first_lines
from flowdb.messages import csv_messages, events, has_message_column, has_stamps, is_event_list, stamped

__all__ = ["PARQUET", "SHAPES", "TEXT", "Shape", "shape_of"]

_WRITE_TEST = b"Permission Check Successful"


@dataclass(frozen=True)
class Shape:
    """A shape: what delivers it, how it is recognised, and how the lines of its records are reached.

    `matches` is given the beginning of the decompressed content; `unwrap` yields blocks of
    whole lines. Parquet has no lines.
    """

    name: str
    delivered: str
    recognised: str
    matches: Callable[[bytes], bool]
    unwrap: Callable[[Text], Iterator[bytes]] | None


def _nothing(_text: Text) -> Iterator[bytes]:
    return iter(())


PARQUET = Shape(
    "parquet",
    "S3 delivery in Parquet; Security Lake (OCSF, class 4001)",
    "begins with `PAR1`; OCSF by its columns `class_uid` and `src_endpoint`",
    lambda start: start.startswith((b"PAR1", b"PARE")),
    None,
)
TEXT = Shape(
    "text",
    "S3 delivery in plain text",
    "anything else: a header line names the fields; without one the default format has 14 fields",
    lambda _start: True,
    blocks,
)
SHAPES: tuple[Shape, ...] = (
    PARQUET,
    Shape(
        "json",
        "`aws logs filter-log-events` and `get-log-events`, Insights results, Firehose, subscription filters",
        "begins with `{` or `[`; documents may follow each other without newlines",
        is_json,
        json_records,
    ),
    Shape(
        "events",
        "`aws logs filter-log-events --output text` and `get-log-events --output text`",
        "a line that begins with `EVENTS` and a tab",
        is_event_list,
        events,
    ),
    Shape(
        "stamped",
        "CloudWatch export task; `aws logs tail`, long and `--format short`",
        "most lines begin with an ISO 8601 time, or with 13 digits",
        has_stamps,
        stamped,
    ),
    Shape(
        "csv",
        "the CloudWatch console's export of log events and of Insights results",
        "the first line names comma-separated columns, one of them `message` or `@message`",
        has_message_column,
        csv_messages,
    ),
    Shape(
        "write test",
        "the object `aws-logs-write-test` of an export task",
        "its whole content is `Permission Check Successful`; it holds no record",
        lambda start: start[: 2 * len(_WRITE_TEST)].strip() == _WRITE_TEST,
        _nothing,
    ),
    TEXT,
)
"""In the order in which they are tried."""


def shape_of(start: bytes) -> Shape:
    """Return the shape of a content that begins so."""
    first = first_lines(start, 1)
    if first and header_names(first[0].decode("utf-8", "replace")):
        return TEXT
    return next(shape for shape in SHAPES if shape.matches(start))
