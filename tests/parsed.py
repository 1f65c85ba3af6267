"""What flowdb's parser makes of the text of a log, in one piece, so that it can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO

from flowdb.compression import Text
from flowdb.lines import BLOCK_SIZE, blocks
from flowdb.records import Batch, parse
from tests.reference import Record


@dataclass
class Parsed:
    """All records, the bad lines with their reasons, and the counts of other and of all lines."""

    records: list[Record] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    passed: int = 0
    lines: int = 0

    def take(self, batch: Batch) -> None:
        """Add what a batch holds."""
        for table in batch.records:
            self.records += table.to_pylist()
        self.bad += [(line.number, line.reason) for line in batch.bad]
        self.passed += batch.passed
        self.lines += batch.lines

    @property
    def bad_numbers(self) -> list[int]:
        """The numbers of the bad lines."""
        return [number for number, _ in self.bad]


def text(data: bytes) -> Text:
    """Return the text of a source that holds these bytes."""
    return Text(BufferedReader(BytesIO(data)))


def batches(data: bytes, block_size: int = BLOCK_SIZE) -> Iterator[Batch]:
    """Yield what the blocks of a log hold."""
    return parse(blocks(text(data), block_size))


def parsed(data: bytes, block_size: int = BLOCK_SIZE) -> Parsed:
    """Return what a log holds."""
    found = Parsed()
    for batch in batches(data, block_size):
        found.take(batch)
    return found
