"""How much a run of the scoreboard measures, and where it works."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.answers import TOTALS_FILE
from benchmarks.runs import module

PER_SLOT = 13_889


@dataclass(frozen=True)
class Settings:
    """The sizes of the sets, and the folders: `data` has the generated sets, `work` what is made of them."""

    work: Path
    data: Path
    rows: int
    rounds: int
    huge_gb: float
    growth_rows: int
    known: int
    dates: int
    is_verbose: bool = True

    def directory(self, name: str) -> Path:
        """Return the folder of a set, beside which there are none of other sizes."""
        return self.data / name

    def generated(self, fields: str = "default", rows: int | None = None, files: int | None = None) -> Path:
        """Return the folder of a generated set, which is made if it is not there."""
        records = rows or self.rows
        objects = files or max(records // PER_SLOT, 12)
        directory = self.directory(f"{fields}-{records}-{objects}")
        if not (directory / TOTALS_FILE).exists():
            print(f"generating {records:,} records in {objects:,} objects", flush=True)
            sizes = ["--rows", str(records), "--files", str(objects)]
            module("benchmarks.generate", str(directory), *sizes, "--fields", fields)
        return directory
