"""The benchmark's report: what it ran on, and a table of what it measured."""

import os
import platform
import statistics
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.answers import Totals
from benchmarks.peers import Run

RATIOS = ("floor", "duckdb", "polars")
PACKAGES = ("flowdb", "duckdb", "polars", "pyarrow", "isal")


@dataclass
class Measured:
    """One peer's runs, and the bytes of the Parquet it wrote; a peer that writes none has `None`."""

    runs: list[Run] = field(default_factory=list)
    parquet_bytes: int | None = None

    @property
    def median(self) -> float:
        """The median of the runs' seconds."""
        return statistics.median(run.seconds for run in self.runs)


def table(measured: dict[str, Measured], totals: Totals) -> str:
    """Lay the measurements out as a Markdown table; a ratio is a peer's median over the column's peer's."""
    header = ["peer", "median s", "min-max s", "MB/s of text", "peak MB", "Parquet B/record"]
    header += [f"x {name}" for name in RATIOS]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for name, peer in measured.items():
        seconds = [run.seconds for run in peer.runs]
        size = peer.parquet_bytes
        rows.append(
            [
                name,
                f"{peer.median:.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}",
                f"{totals.raw_bytes / 1e6 / peer.median:.0f}",
                f"{max(run.peak for run in peer.runs) / 1e6:.0f}",
                "-" if size is None else f"{size / totals.records:.1f}",
                *(
                    f"{peer.median / measured[other].median:.2f}" if other in measured else "-"
                    for other in RATIOS
                ),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("| " + " | ".join(map(str.rjust, row, widths)) + " |" for row in rows)


def document(measured: dict[str, Measured], totals: Totals, files: int, command: str) -> str:
    """Write the whole report as Markdown."""
    text, packed = f"{totals.raw_bytes / 1e6:,.0f}", f"{totals.gzip_bytes / 1e6:,.0f}"
    rounds = max((len(peer.runs) for peer in measured.values()), default=0)
    return f"""# Ingest benchmark

{totals.records:,} records in {files:,} gzip objects ({text} MB of text, {packed} MB of gzip)
become zstd Parquet partitioned by date, in {rounds} interleaved rounds with the objects in the page cache.
`floor` only decompresses, `flowdb, plain` is flowdb without its compiled part. The Parquet of every peer
below gave the same answers as the generator: records, bytes, packets, rejects, and records per date.

{table(measured, totals)}

Seconds are wall time of a peer's process from start to exit. Peak is the resident memory of a peer's largest
process, the highest of its runs. A ratio is the peer's median over the named peer's: below 1 is faster.

## Machine

{listed(machine())}

## Versions

{listed(versions())}

## Command

    {command}
"""


def machine() -> dict[str, str]:
    """Describe the machine: processor, cores, memory and operating system."""
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return {
        "CPU": models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine(),
        "Cores": str(os.cpu_count()),
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "OS": f"{system}, {platform.system()}",
    }


def versions() -> dict[str, str]:
    """Name the versions of Python and of every peer's packages."""
    return {"Python": platform.python_version(), **{package: _version(package) for package in PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def listed(entries: dict[str, str]) -> str:
    """Write entries as a list."""
    return "\n".join(f"- {name}: {value}" for name, value in entries.items())
