"""Writes what fuzzing starts from, every shape, some packings and the real logs, into the folder named."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import ROOT, record
from tests.deliveries import PACKINGS, SHAPES


def main() -> None:
    """Write the seeds into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = [record(n) for n in range(3)]
    contents = [write(lines) for write in SHAPES.values()]
    contents += [pack(contents[0]) for pack in PACKINGS.values()]
    contents += [
        path.read_bytes()[:4000] for path in (ROOT / "tests" / "data").rglob("*.*") if path.is_file()
    ]
    for number, content in enumerate(contents):
        (folder / f"{number:03}").write_bytes(content)


if __name__ == "__main__":
    main()
