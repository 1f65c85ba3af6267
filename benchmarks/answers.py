"""The answers that a generated set has, and that every peer's Parquet must give alike."""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

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


def main() -> None:
    """Print the answer of one folder as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=__doc__)
    parser.add_argument("directory", type=Path)
    print(json.dumps(asdict(answer(parser.parse_args().directory))))


if __name__ == "__main__":
    main()
