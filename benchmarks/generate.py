"""Write seeded VPC flow logs as gzip objects in AWS's key layout.

The objects are compressed by ISA-L at its highest level, whose size is within a tenth of that of zlib's
level 6, at eight times its speed.
"""

import argparse
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from isal import isal_zlib

from benchmarks.answers import Answer, Totals
from benchmarks.graph import REJECTED
from benchmarks.spelling import ACCOUNT, DEFAULT_FIELDS, ENCRYPTION_FIELDS, REGION, V5_FIELDS, Spelling
from benchmarks.talks import HISTORY, Talks, long
from benchmarks.traffic import SLOT_SECONDS, Records, traffic
from benchmarks.world import names, world

HUGE_SLOT = 100_000
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


def huge(directory: Path, *, text_bytes: int, seed: int = 1, fields: str = "default") -> Totals:
    """Write one object with at least `text_bytes` of text, slot after slot, holding one slot at a time."""
    first = int(datetime(2024, 1, 15, tzinfo=UTC).timestamp())
    drawing = Drawing(Plan(directory, HUGE_SLOT, 1, seed, first, FIELDS[fields]))
    directory.mkdir(parents=True, exist_ok=True)
    packer = isal_zlib.compressobj(isal_zlib.ISAL_BEST_COMPRESSION, wbits=31)
    path = directory / "AWSLogs" / "huge.log.gz"
    path.parent.mkdir(exist_ok=True)
    total, number = _sum([]), 0
    with path.open("wb") as file:
        while total.raw_bytes < text_bytes:
            pieces, answer = drawing.slot(number, HUGE_SLOT)
            pieces = pieces if number == 0 else pieces[1:]
            for piece in pieces:
                file.write(packer.compress(piece))
            total = _sum([total, Totals(HUGE_SLOT, sum(map(len, pieces)), 0, answer)])
            number += 1
        file.write(packer.flush())
    total = replace(total, gzip_bytes=path.stat().st_size)
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
    parser.add_argument("--huge-gb", type=float, help="write one object of so much text instead")
    args = parser.parse_args()
    begun = time.perf_counter()
    if args.huge_gb:
        size = int(args.huge_gb * 1e9)
        total = huge(args.directory, text_bytes=size, seed=args.seed, fields=args.fields)
    else:
        total = generate(
            args.directory,
            records=args.rows,
            files=args.files,
            seed=args.seed,
            fields=args.fields,
            start=args.start,
        )
    seconds = time.perf_counter() - begun
    files = 1 if args.huge_gb else args.files
    print(
        f"{total.records:,} records in {files:,} files: {total.raw_bytes / 1e6:,.1f} MB of text, "
        f"{total.gzip_bytes / 1e6:,.1f} MB of gzip "
        f"({total.gzip_bytes / max(total.records, 1):.1f} bytes a record), "
        f"{seconds:.1f} s, {total.records / seconds / 1e6:.2f} million records/s"
    )


class Drawing:
    """Draws the slots of one set; neighbouring ones at least cost, for what goes on is kept."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        per_slot = plan.records // max(plan.files, 1)
        self._world = world(plan.seed, per_slot)
        self._spelling = Spelling(self._world, plan.fields)
        self._per_slot = per_slot
        self._begun: dict[int, Talks] = {}

    def slot(self, number: int, count: int) -> tuple[list[memoryview], Answer]:
        """Return the text of a slot of `count` records, in pieces, and what a reader of it must find."""
        going = [self._begin(number - ago) for ago in range(HISTORY)]
        self._begun.pop(number - HISTORY, None)
        records = traffic(self._world, self.randomness(number, 0), going, number, self.plan.first, count)
        return self._spelling.text(records), _answer(records)

    def randomness(self, number: int, part: int) -> np.random.Generator:
        """Return the randomness of one part of a slot, which may lie before the first."""
        return np.random.default_rng([self.plan.seed, number + HISTORY, part])

    def _begin(self, number: int) -> Talks:
        if number not in self._begun:
            self._begun[number] = long(self.randomness(number, 1), self._world.edges, self._per_slot)
        return self._begun[number]


def _share(plan: Plan, processes: int, index: int) -> Totals:
    """Write one of `processes` runs of slots."""
    pa.set_cpu_count(1)
    drawing = Drawing(plan)
    first, end = (plan.files * place // processes for place in (index, index + 1))
    return _sum(_write(drawing, number) for number in range(first, end))


def _write(drawing: Drawing, number: int) -> Totals:
    """Write one slot's object."""
    plan = drawing.plan
    flow_log = names(np.random.default_rng([plan.seed]), "fl", 1)[0]
    when = datetime.fromtimestamp(plan.first + number * SLOT_SECONDS, UTC)
    count = plan.records * (number + 1) // plan.files - plan.records * number // plan.files
    pieces, answer = drawing.slot(number, count)
    packer = isal_zlib.compressobj(isal_zlib.ISAL_BEST_COMPRESSION, wbits=31)
    packed = b"".join([*map(packer.compress, pieces), packer.flush()])
    folder = plan.directory / f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{when:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    unique = drawing.randomness(number, 2).bytes(4).hex()
    name = f"{ACCOUNT}_vpcflowlogs_{REGION}_{flow_log}_{when:%Y%m%dT%H%MZ}_{unique}.log.gz"
    (folder / name).write_bytes(packed)
    return Totals(count, sum(map(len, pieces)), len(packed), answer)


def _answer(records: Records) -> Answer:
    """Add up what a reader of one slot must find."""
    days, counts = np.unique(records.start // 86400, return_counts=True)
    return Answer(
        records=len(records.start),
        bytes=int(np.maximum(records.bytes, 0).sum()),
        packets=int(np.maximum(records.packets, 0).sum()),
        rejects=int((records.status == REJECTED).sum()),
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
