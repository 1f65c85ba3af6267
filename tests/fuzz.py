"""Coverage-guided fuzzing of everything between the bytes of a source and its records: `make fuzz`.

Not part of the tests: it runs for as long as it is told, and keeps what it found under build/.
"""

from __future__ import annotations

import sys
from io import BufferedReader, BytesIO

import atheris

with atheris.instrument_imports(include=["flowdb", "tarfile", "zipfile", "csv"]):
    from flowdb.compression import Damaged
    from flowdb.delivery import deliveries
    from flowdb.layouts import LayoutUnknown


def every_line_is_accounted_for(data: bytes) -> None:
    """Read a source of these bytes; its lines are records, bad lines, headers or blanks, or it is refused."""
    try:
        for _, _, batches in deliveries(BufferedReader(BytesIO(data))):
            for batch in batches:
                assert batch.lines == sum(map(len, batch.records)) + len(batch.bad) + batch.passed
                numbers = [line.number for line in batch.bad]
                assert numbers == sorted(set(numbers))
                for table in batch.records:
                    table.validate(full=True)
    except (Damaged, LayoutUnknown):
        return


def main() -> None:
    """Fuzz, with the arguments of libFuzzer: a folder to start from, `-max_total_time=60`."""
    atheris.Setup(sys.argv, every_line_is_accounted_for)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
