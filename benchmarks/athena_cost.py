"""Tell what every analysis of a generated month would cost in Athena and Logs Insights, and take here."""

import argparse
import tempfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.generate import FIELDS, generate
from benchmarks.machine import listed, machine, versions
from flowdb import FlowDB
from flowdb.cost import WAYS
from flowdb.errors import plural

DAY_FILES = 288
WHOLE = "SELECT * FROM flows"
PACKAGES = ("flowdb", "duckdb", "pyarrow", "Python")

Bills = dict[str, dict[str, dict[str, Any]]]


def bills(db: FlowDB, question: str | None, params: dict[str, object] | None = None) -> Bills:
    """Return the bills of a question, or of every analysis, by question and way."""
    result = db.cost(question, params)
    found: Bills = {}
    for row in result.fetchall():
        bill = dict(zip(result.columns, row, strict=True))
        found.setdefault(bill["question"], {})[bill["way"]] = bill
    return found


def table(found: Bills) -> str:
    """Lay bills out as a Markdown table, a row for each question, with their sum in the last row."""
    header = ["question"]
    for way in WAYS[:-1]:
        header += [f"{way}, MB", "dollars"]
    header += ["flowdb, seconds", "dollars"]
    rows = [header, ["---", *["---:"] * (len(header) - 1)]]
    for name, ways in found.items():
        row = [f"`{name}`"]
        for way in WAYS[:-1]:
            row += [f"{ways[way]['bytes'] / 1e6:,.1f}", f"{ways[way]['dollars']:.6f}"]
        rows.append([*row, f"{ways[WAYS[-1]]['seconds']:.2f}", "0"])
    last = ["all of them, once"]
    for way in WAYS[:-1]:
        last += [
            f"{sum(ways[way]['bytes'] for ways in found.values()) / 1e6:,.1f}",
            f"{sum(ways[way]['dollars'] for ways in found.values()):.6f}",
        ]
    seconds = sum(ways[WAYS[-1]]["seconds"] for ways in found.values())
    rows.append([*last, f"{seconds:.1f}", "0"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def document(month: Bills, day: Bills, whole: Bills, about: dict[str, str], command: str) -> str:
    """Write the whole report as Markdown."""
    ways = whole["query"]
    text, parquet, store = (ways[way]["bytes"] for way in WAYS[:3])
    dearest = max(month, key=lambda name: month[name][WAYS[0]]["dollars"])
    runs = month[dearest][WAYS[0]]["break_even_runs"]
    return f"""# What the analyses would cost at AWS

{listed(about)}

Prices are those of us-east-1 in `athena_prices`; what is counted, and how AWS's Parquet is estimated, is in
[docs/cost.md](../docs/cost.md). MB have 10^6 bytes, and are those scanned; ten MB of 2^20 bytes are paid for
at least. Every analysis is asked with its defaults; what it requires is of the pair of addresses that moved
most. Seconds are those of one run, its planning included.

Of all columns, AWS's Parquet is estimated at {parquet / text:.2f} times the gzip text (AWS says 0.8), and
the store has {store / text:.2f} times its bytes. To fetch all sources once, out of AWS, costs as much as
{plural(runs, "run")} of `{dearest}` over text.

## The whole month

{table(month)}

## Its last day

{table(day)}

## Machine

{listed(machine())}

## Versions

{listed({name: version for name, version in versions().items() if name in PACKAGES})}

## Command

    {command}
"""


def main() -> None:
    """Generate, ingest, ask, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.athena_cost", description=__doc__)
    parser.add_argument("--rows", type=int, default=8_640_000, help="records to generate, over all days")
    parser.add_argument("--days", type=int, default=30, help="days to generate, of 288 objects each")
    parser.add_argument("--fields", choices=FIELDS, default="encryption")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("ATHENA.md"))
    args = parser.parse_args()
    start = date(2024, 1, 1)
    last = start + timedelta(days=args.days - 1)
    with tempfile.TemporaryDirectory(prefix="flowdb-benchmark-") as work:
        files = args.days * DAY_FILES
        logs = Path(work, "logs")
        total = generate(logs, records=args.rows, files=files, seed=5, fields=args.fields, start=start)
        with closing(FlowDB(Path(work, "store"))) as db:
            seconds = db.ingest(logs / "AWSLogs").seconds
            whole, month = bills(db, WHOLE), bills(db, None)
            remarks = list(db.notes)
            day = bills(db, None, {"since": last, "until": last + timedelta(days=1)})
    about = {
        "Logs": f"{total.records:,} records of {len(FIELDS[args.fields])} fields, {args.days} days, made up",
        "Objects": f"{files:,}, one every five minutes, {total.gzip_bytes / 1e6:,.0f} MB of gzip",
        "Text": f"{total.raw_bytes / 1e6:,.0f} MB",
        "Ingest": f"{seconds:.0f} seconds, once",
        **({"Left out": "; ".join(remarks)} if remarks else {}),
    }
    command = f"python -m benchmarks.athena_cost --rows {args.rows} --days {args.days} --fields {args.fields}"
    args.output.write_text(document(month, day, whole, about, command), encoding="utf-8")
    print(table(month))


if __name__ == "__main__":
    main()
