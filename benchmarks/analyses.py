"""Measure every analysis beside the plainest hand-written DuckDB query that answers the same."""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.answers import same
from benchmarks.generate import generate
from benchmarks.machine import listed, machine, versions
from flowdb import FlowDB
from flowdb.analyses import Analysis, analyses
from flowdb.parameters import literal

PLAIN = Path(__file__).with_name("plain")
LIMIT = 2.0
PACKAGES = ("flowdb", "duckdb", "Python")
# What the plain query does not do, though its answer here is the same.
LESS = {
    "accepted_ports": "tells the direction by `flow_direction` alone",
    "cross_az": "tells the direction by `flow_direction` alone",
    "diagnose_acl": "tells the direction by `flow_direction` alone",
    "egress": "tells the direction by `flow_direction` alone",
    "in_list": "knows one address and one range of 256",
    "port_exhaustion": "knows no NAT gateways",
    "who_is": "tells the direction by `flow_direction` alone",
}


@dataclass
class Measured:
    """The seconds of one analysis and of its plain query, each round's, and what they answered."""

    plain: list[float] = field(default_factory=list)
    macro: list[float] = field(default_factory=list)
    plan: list[float] = field(default_factory=list)
    rows: int = 0
    is_same: bool = True

    @property
    def ratio(self) -> float:
        """The median of the analysis over that of the plain query."""
        return statistics.median(self.macro) / statistics.median(self.plain)


def values_from(db: FlowDB) -> dict[str, dict[str, object]]:
    """Choose the parameters that are required: the pair that moved most, and a range of peers."""
    source, target = db.sql(
        "SELECT srcaddr, dstaddr FROM flows GROUP BY ALL ORDER BY sum(bytes) DESC, 1, 2 LIMIT 1"
    ).fetchall()[0]
    ((peer,),) = db.sql(
        "SELECT srcaddr FROM flows WHERE action = 'REJECT' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()
    return {
        "connection_check": {"source": source, "target": target},
        "in_list": {"cidrs": [source, f"{peer.rpartition('.')[0]}.0/24"]},
        "traffic_between": {"a": source, "b": target},
        "traffic_of": {"addr": source},
        "who_is": {"addr": source},
    }


def plain_query(name: str, values: dict[str, object]) -> str:
    """Return the plain query of an analysis, with the values that it needs written into it."""
    text = (PLAIN / f"{name}.sql").read_text(encoding="utf-8").strip().rstrip(";")
    for parameter, value in sorted(values.items(), reverse=True):
        text = text.replace(f"${parameter}", literal(value))
    return text


def race(db: FlowDB, names: Iterable[str], rounds: int) -> dict[str, Measured]:
    """Run each analysis and its plain query in turn, after one run of both that does not count."""
    given = values_from(db)
    measured = {}
    for name in names:
        analysis, values = analyses()[name], given.get(name, {})
        one = measured[name] = Measured()
        plain = plain_query(name, values)
        expected, answer = _rows(db, plain), _asked(db, analysis, values)
        one.rows, one.is_same = len(answer), same(expected, answer)
        for _ in range(rounds):
            one.plain.append(_seconds(lambda: _rows(db, plain)))  # noqa: B023 -- called at once
            one.macro.append(_seconds(lambda: _asked(db, analysis, values)))  # noqa: B023
            one.plan.append(_seconds(lambda: _planned(db, analysis, values)))  # noqa: B023
        print(line(name, one), flush=True)
    return measured


def _rows(db: FlowDB, query: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = db.sql(query).fetchall()
    return rows


def _asked(db: FlowDB, analysis: Analysis, values: dict[str, object]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = db.sql(*analysis.query(values)).fetchall()
    return rows


def _planned(db: FlowDB, analysis: Analysis, values: dict[str, object]) -> list[tuple[Any, ...]]:
    query, bound = analysis.query(values)
    rows: list[tuple[Any, ...]] = db.sql(f"EXPLAIN {query}", bound).fetchall()
    return rows


def _seconds(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def line(name: str, one: Measured) -> str:
    """Return the row of the table for one analysis."""
    remark = LESS.get(name, "") if one.is_same else "ANOTHER ANSWER"
    medians = [statistics.median(times) for times in (one.plain, one.macro, one.plan)]
    plain, macro, plan = (f"{median:.3f}" for median in medians)
    return (
        f"| {name:24} | {plain:>7} | {macro:>8} | {one.ratio:>5.2f} | {plan:>6} | {one.rows:>5} | {remark} |"
    )


def table(measured: dict[str, Measured]) -> str:
    """Lay the measurements out as a Markdown table."""
    header = "| analysis                 | plain s | flowdb s | ratio | plan s |  rows | the plain query |"
    rule = "| ------------------------ | ------: | -------: | ----: | -----: | ----: | --------------- |"
    return "\n".join([header, rule, *(line(name, one) for name, one in measured.items())])


def document(measured: dict[str, Measured], records: int, days: int, rounds: int, command: str) -> str:
    """Write the whole report as Markdown."""
    above = [f"`{name}` ({one.ratio:.2f})" for name, one in measured.items() if one.ratio > LIMIT]
    return f"""# The analyses beside plain queries

{records:,} records of 30 fields over {days} days, in {rounds} interleaved rounds with the files in the page
cache. Every analysis, asked with its defaults, ran in turn with the plainest query written by hand in
DuckDB's SQL that answers the same over the same Parquet: `benchmarks/plain/` has one for each. A plain query
knows no parameters, checks nothing, and trusts the logs to have every field and one spelling; it handles the
same traps. Both gave the same rows in the same order; where there are none, that these logs have nothing of
the kind is all that the two agree on.

{table(measured)}

Seconds are medians and include planning; `plan s` is the analysis's planning alone, which does not grow with
the records. A ratio is the analysis over the plain query.
Above {LIMIT:g}: {", ".join(above) or "none"}.

## Machine

{listed(machine())}

## Versions

{listed({name: version for name, version in versions().items() if name in PACKAGES})}

## Command

    {command}
"""


def main() -> int:
    """Run the benchmark; the exit status is 1 if an analysis answers another thing than its plain query."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analyses", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="records to generate")
    parser.add_argument(
        "--files", type=int, default=864, help="objects of five minutes to generate: 288 are a day"
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each query")
    parser.add_argument(
        "--store", type=Path, help="a store of generated logs to use as it is; no report is written"
    )
    parser.add_argument("--only", nargs="+", help="measure these analyses alone; no report is written")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("ANALYSES.md"))
    args = parser.parse_args()
    names = args.only or list(analyses())
    with tempfile.TemporaryDirectory(prefix="flowdb-benchmark-") as work:
        store = args.store or Path(work, "store")
        with closing(FlowDB(store)) as db:
            if args.store is None:
                generate(Path(work, "logs"), records=args.rows, files=args.files, seed=5, fields="encryption")
                db.ingest(Path(work, "logs", "AWSLogs"))
            measured = race(db, names, args.rounds)
    others = [name for name, one in measured.items() if not one.is_same]
    if others:
        print(f"no report is written, for these answer another thing: {', '.join(others)}", file=sys.stderr)
        return 1
    if args.store is None and args.only is None:
        command = (
            f"python -m benchmarks.analyses --rows {args.rows} --files {args.files} --rounds {args.rounds}"
        )
        days = math.ceil(args.files / 288)
        args.output.write_text(document(measured, args.rows, days, args.rounds, command), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
