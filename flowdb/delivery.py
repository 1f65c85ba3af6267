"""From the bytes of a source to batches of records, whatever archive, compression and shape they have."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import chain, islice

from flowdb.archives import is_archive, members, spooled
from flowdb.columnar import parquet_batches
from flowdb.compression import Text
from flowdb.keys import is_expected, is_log
from flowdb.layouts import Layout, LayoutUnknown
from flowdb.lines import BLOCK_SIZE
from flowdb.records import Batch, parse
from flowdb.shapes import TEXT, shape_of

__all__ = ["deliveries", "is_plain"]


def deliveries(
    stream: io.BufferedReader, given: Layout | None = None, leave: Callable[[str], None] = lambda _name: None
) -> Iterator[tuple[str, Text, Iterator[Batch]]]:
    """Yield each file in a source: its name in an archive, or "", its text, and what it holds.

    Of an archive that is what would be taken from a folder: what has the name of a log, and is
    one if its name could be another's; `leave` is told of the others. Each is to be read
    before the next is asked for. `given` is the layout of records without a header. Reading
    on raises `Damaged` where the bytes are not what they claim to be, and `LayoutUnknown`
    where there is no telling which fields a record has.
    """
    is_empty = True
    for name, text in members(stream):
        batches = _batches(text, given)
        file = name.rpartition("/")[2]
        if name and not is_log(file):
            leave(name)
            continue
        if name and not is_expected(file):
            try:
                batches = chain(list(islice(batches, 1)), batches)
            except LayoutUnknown:
                leave(name)
                continue
        is_empty = False
        yield name, text, batches
    if is_empty:
        raise LayoutUnknown("it is an archive without flow logs")


def is_plain(content: bytes) -> bool:
    """Tell whether a content, decompressed, is nothing but lines of records."""
    return not is_archive(content) and shape_of(content) is TEXT


def _batches(text: Text, given: Layout | None) -> Iterator[Batch]:
    shape = shape_of(text.start(BLOCK_SIZE))
    if shape.unwrap is not None:
        yield from parse(shape.unwrap(text), given)
        return
    with spooled(text) as file:
        yield from parquet_batches(file, text.expansion.add)
