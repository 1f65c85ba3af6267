"""The bytes of Parquet a record, beside gzip as AWS writes it: zlib at its usual level, object by object."""

import gzip
import json
import shutil
import sys
import zlib
from pathlib import Path
from typing import Any

from benchmarks.ingest import OBJECTS
from benchmarks.machine import table
from benchmarks.peers import sources
from benchmarks.runs import BenchmarkError, module, run
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

REAL = Path(__file__).parent.parent / "tests" / "data" / "real"
# Of a big set so many objects are compressed again, evenly spread.
SAMPLE = 40


def sizes(settings: Settings) -> Section:
    """Measure the bytes of generated and of real records after an ingest and after `compact`."""
    rows = [
        [
            "logs",
            "records",
            "gzip B/record",
            "after ingest",
            "of gzip",
            "after compact",
            "of gzip",
            "columns",
            "of gzip",
            "sums",
            "of Parquet",
        ]
    ]
    figures: dict[str, float] = {}
    sets = {
        "generated, default format": settings.generated() / OBJECTS,
        "generated, 29 fields": settings.generated("v5") / OBJECTS,
        "real (tests/data/real)": REAL,
    }
    for name, folder in sets.items():
        packed = _packed(folder)
        records, *bytes_each, sums = _stored(folder, settings.work / "sizes")
        rows.append(
            [name, f"{records:,}", f"{packed:.2f}"]
            + [cell for size in bytes_each for cell in (f"{size:.2f}", f"{size / packed:.2f}")]
            + [f"{sums:.2f}", f"{sums / bytes_each[1]:.2f}"]
        )
        if name == "generated, default format":
            figures |= {"size-ingest": bytes_each[0] / packed, "size-compact": bytes_each[1] / packed}
            figures["size-sums"] = sums / bytes_each[1]
        elif folder == REAL:
            figures["size-real"] = bytes_each[2] / packed
    text = (
        f"{table(rows)}\n "
        "Bytes of Parquet are those of whole files, of rows alone. The gzip is that of zlib's level 6, by "
        "object. The real logs here are few records of several days, each of which is a file with a footer "
        "of some kilobytes: `columns` are the bytes of columns, without footers, after `compact`, and the "
        "goal is held against them. `sums` are the hourly ones, of whole files, after `compact`."
    )
    return Section("Size", text, figures)


def _packed(folder: Path) -> float:
    """Return the bytes of gzip a record."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if folder != REAL:
        objects = sources(folder)
        paths = objects[:: max(len(objects) // SAMPLE, 1)]
    packed = lines = 0
    for path in paths:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        packed += len(zlib.compress(text, 6, wbits=31))
        lines += sum(1 for line in text.splitlines() if not line.startswith(b"version"))
    return packed / lines


def _stored(folder: Path, store: Path) -> tuple[int, float, float, float, float]:
    """Return the records of a folder, and bytes a record: ingested, compacted, of columns then, of sums."""
    shutil.rmtree(store, ignore_errors=True)
    _flowdb("ingest", str(folder), "--store", str(store))
    files = _files(store)
    records, ingested = (sum(file[name] for file in files) for name in ("records", "bytes"))
    _flowdb("compact", "--store", str(store))
    files = _files(store)
    sums = sum(file["bytes"] for file in _files(store, "hourly"))
    again, compacted = (sum(file[name] for file in files) for name in ("records", "bytes"))
    if records != again:
        raise BenchmarkError(f"{records} records became {again}")
    paths = [str(store / file["path"]) for file in files]
    columns = int(module("benchmarks.answers", "--columns", *paths).output)
    shutil.rmtree(store)
    return records, ingested / records, compacted / records, columns / records, sums / records


def _files(store: Path, kind: str = "flows") -> list[dict[str, Any]]:
    every = json.loads(_flowdb("files", "--store", str(store), "--output", "json"))
    return [file for file in every if file["kind"] == kind]


def _flowdb(*arguments: str) -> str:
    done = run([sys.executable, "-m", "flowdb", *arguments])
    if done.status:
        raise BenchmarkError(f"flowdb {arguments[0]} failed with status {done.status}")
    return done.output
