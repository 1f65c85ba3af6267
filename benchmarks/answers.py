"""The answers that a generated set has, and that every peer's Parquet must give alike."""

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TOTALS_FILE = "totals.json"


@dataclass(frozen=True)
class Answer:
    """What a set of flow-log records adds up to; `dates` counts records by the UTC date of their start."""

    records: int
    bytes: int
    packets: int
    rejects: int
    dates: dict[str, int]


@dataclass(frozen=True)
class Totals:
    """What a generated set is: its size as text and as gzip, and the answer any reader of it must give."""

    records: int
    raw_bytes: int
    gzip_bytes: int
    answer: Answer

    @classmethod
    def load(cls, directory: Path) -> "Totals":
        """Read the totals that `save` left in a set's folder."""
        stored = json.loads((directory / TOTALS_FILE).read_text())
        return cls(**{**stored, "answer": Answer(**stored["answer"])})

    def save(self, directory: Path) -> None:
        """Write the totals beside the set's objects."""
        (directory / TOTALS_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")


def same(expected: list[tuple[Any, ...]], answer: list[tuple[Any, ...]]) -> bool:
    """Tell whether two answers have the same rows in the same order; numbers may differ by a rounding."""
    return len(expected) == len(answer) and all(
        len(left) == len(right) and all(map(_alike, left, right))
        for left, right in zip(expected, answer, strict=True)
    )


def _alike(left: object, right: object) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        try:
            return math.isclose(float(left), float(right), rel_tol=1e-9, abs_tol=2e-6)  # type: ignore[arg-type]
        except TypeError:
            return left is right
    return left == right


def answer(directory: Path) -> Answer:
    """Read the answer from date-partitioned Parquet: the dates are those of the `date=` folders."""
    import duckdb  # kept out of the module, so that the benchmark's own process stays small

    rows = duckdb.execute(
        """
        SELECT date::VARCHAR, count(*), sum(bytes)::BIGINT, sum(packets)::BIGINT,
               count(*) FILTER (action = 'REJECT')
        FROM read_parquet(?, hive_partitioning = true, hive_types = {'date': DATE})
        GROUP BY ALL ORDER BY ALL
        """,
        [str(directory / "date=*" / "*.parquet")],
    ).fetchall()
    return Answer(
        records=sum(row[1] for row in rows),
        bytes=sum(row[2] or 0 for row in rows),
        packets=sum(row[3] or 0 for row in rows),
        rejects=sum(row[4] for row in rows),
        dates={row[0]: row[1] for row in rows},
    )


def column_bytes(paths: list[Path]) -> int:
    """Return the bytes that the columns of Parquet files take, without footers."""
    from pyarrow import parquet

    total = 0
    for path in paths:
        about = parquet.read_metadata(path)
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        total += sum(
            group.column(place).total_compressed_size
            for group in groups
            for place in range(group.num_columns)
        )
    return total


def main() -> None:
    """Print the answer of one folder as JSON, or the bytes of the columns of files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--columns", action="store_true", help="paths are files, of whose columns to tell")
    args = parser.parse_args()
    if args.columns:
        print(column_bytes(args.paths))
    else:
        print(json.dumps(asdict(answer(args.paths[0]))))


if __name__ == "__main__":
    main()
