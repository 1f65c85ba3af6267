"""Write seeded VPC flow logs as gzip objects in AWS's key layout.

The objects are compressed by ISA-L at its highest level, whose size and decompression speed are near those
of zlib's level 6, at several times its speed.
"""

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from isal import igzip_lib
from pyarrow import csv

from benchmarks.answers import Answer, Totals
from benchmarks.traffic import (
    ACCOUNT,
    DEFAULT_FIELDS,
    ENCRYPTION_FIELDS,
    REGION,
    SLOT_SECONDS,
    V5_FIELDS,
    Records,
    World,
    names,
    text,
    traffic,
    world,
)

FIELDS = {"default": DEFAULT_FIELDS, "v5": V5_FIELDS, "encryption": ENCRYPTION_FIELDS}


@dataclass(frozen=True)
class Plan:
    """What every slot of one set has in common."""

    directory: Path
    records: int
    files: int
    seed: int
    first: int
    fields: tuple[str, ...]


def generate(
    directory: Path,
    *,
    records: int,
    files: int,
    seed: int = 1,
    fields: str = "default",
    start: date = date(2024, 1, 15),
    processes: int = 2,
) -> Totals:
    """Write `records` records over `files` five-minute objects from `start` on, with their `totals.json`.

    `fields` is one of `FIELDS`. The bytes depend on everything but `directory` and `processes`.
    """
    first = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    plan = Plan(directory, records, files, seed, first, FIELDS[fields])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        total = _sum(pool.map(partial(_share, plan, processes), range(processes)))
    directory.mkdir(parents=True, exist_ok=True)
    total.save(directory)
    return total


def main() -> None:
    """Generate one set and print what was written."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=720)
    parser.add_argument("--fields", choices=FIELDS, default="default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 15))
    args = parser.parse_args()
    begun = time.perf_counter()
    total = generate(
        args.directory,
        records=args.rows,
        files=args.files,
        seed=args.seed,
        fields=args.fields,
        start=args.start,
    )
    seconds = time.perf_counter() - begun
    print(
        f"{total.records:,} records in {args.files:,} files: {total.raw_bytes / 1e6:,.1f} MB of text, "
        f"{total.gzip_bytes / 1e6:,.1f} MB of gzip "
        f"({total.gzip_bytes / max(total.records, 1):.1f} bytes a record), "
        f"{seconds:.1f} s, {total.records / seconds / 1e6:.2f} million records/s"
    )


def _share(plan: Plan, processes: int, index: int) -> Totals:
    """Write every `processes`-th slot."""
    pa.set_cpu_count(1)
    everyone = world(plan.seed)
    return _sum(_write(plan, everyone, number) for number in range(index, plan.files, processes))


def _write(plan: Plan, everyone: World, number: int) -> Totals:
    """Write one slot's object."""
    rng = np.random.default_rng([plan.seed, number])
    flow_log = names(np.random.default_rng([plan.seed]), "fl", 1)[0]
    slot = plan.first + number * SLOT_SECONDS
    when = datetime.fromtimestamp(slot, UTC)
    count = plan.records * (number + 1) // plan.files - plan.records * number // plan.files
    records = traffic(everyone, rng, slot, count)
    lines = _lines(everyone, records, plan.fields)
    packed = igzip_lib.compress(lines, igzip_lib.ISAL_BEST_COMPRESSION, flag=igzip_lib.COMP_GZIP)
    folder = plan.directory / f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{when:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{flow_log}_{when:%Y%m%dT%H%MZ}_{rng.bytes(4).hex()}.log.gz"
    (folder / name).write_bytes(packed)
    return Totals(count, len(lines), len(packed), _answer(records))


def _lines(everyone: World, records: Records, fields: tuple[str, ...]) -> memoryview:
    """Spell records as lines below their header."""
    table = pa.Table.from_arrays(text(everyone, records, fields), names=list(fields))
    sink = pa.BufferOutputStream()
    sink.write((" ".join(fields) + "\n").encode())
    options = csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none", batch_size=65536)
    csv.write_csv(table, sink, options)
    return memoryview(sink.getvalue())


def _answer(records: Records) -> Answer:
    """Add up what a reader of one slot must find."""
    days, counts = np.unique(records.start // 86400, return_counts=True)
    return Answer(
        records=len(records.start),
        bytes=int(records.bytes.sum()),
        packets=int(records.packets.sum()),
        rejects=int(records.rejected.sum()),
        dates={
            str(datetime.fromtimestamp(day * 86400, UTC).date()): count
            for day, count in zip(days.tolist(), counts.tolist(), strict=True)
        },
    )


def _sum(parts: Iterable[Totals]) -> Totals:
    """Add totals up."""
    every = list(parts)
    answers = [part.answer for part in every]
    dates = sum((Counter(answer.dates) for answer in answers), Counter())
    return Totals(
        records=sum(part.records for part in every),
        raw_bytes=sum(part.raw_bytes for part in every),
        gzip_bytes=sum(part.gzip_bytes for part in every),
        answer=Answer(
            records=sum(answer.records for answer in answers),
            bytes=sum(answer.bytes for answer in answers),
            packets=sum(answer.packets for answer in answers),
            rejects=sum(answer.rejects for answer in answers),
            dates=dict(sorted(dates.items())),
        ),
    )


if __name__ == "__main__":
    main()
