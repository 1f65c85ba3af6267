"""What a benchmark ran on, for its report."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("flowdb", "duckdb", "polars", "chdb-core", "datafusion", "flowlogs-reader", "pyarrow", "isal")


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


def table(rows: list[list[str]]) -> str:
    """Lay rows out as a Markdown table: the first is the header, all but the first column are numbers."""
    rule = ["---"] + ["---:"] * (len(rows[0]) - 1)
    rows = [rows[0], rule, *rows[1:]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in rows
    )
