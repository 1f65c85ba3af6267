"""Engines that answer questions, each in a process of its own that is asked through its standard input.

flowdb answers from its store by its methods. DuckDB, DataFusion and ClickHouse answer queries written by hand
from Parquet as DuckDB's own `COPY` wrote it; those of DuckDB are the ones of `plain/`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.runs import SKIPPED, BenchmarkError

PLAIN, QUESTIONS = Path(__file__).with_name("plain"), Path(__file__).with_name("questions")
MODULES = {"flowdb": "flowdb", "duckdb": "duckdb", "datafusion": "datafusion", "clickhouse": "chdb"}
STORES = ("flowdb",)

Rows = list[tuple[Any, ...]]
# An engine answers a question by its name, and a query of SQL.
Engine = tuple[Callable[[str], Rows], Callable[[str], Rows]]


class Asked:
    """An engine's process; it is there until it is closed."""

    def __init__(self, engine: str, path: Path) -> None:
        self.engine = engine
        command = [sys.executable, "-m", "benchmarks.engines", engine, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question: str) -> tuple[float, Rows]:
        """Return the seconds of a named question and its rows."""
        return self._told({"question": question})

    def query(self, sql: str) -> tuple[float, Rows]:
        """Return the seconds of a query and its rows."""
        return self._told({"sql": sql})

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _told(self, request: dict[str, str]) -> tuple[float, Rows]:
        if self._process.stdin is None or self._process.stdout is None:
            raise BenchmarkError("an engine without pipes")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError(f"{self.engine} failed at {str(request)[:300]}")
        told = json.loads(line)
        return told["seconds"], [tuple(row) for row in told["rows"]]


def is_installed(engine: str) -> bool:
    """Tell whether an engine is there."""
    return find_spec(MODULES[engine]) is not None


def flowdb(store: str) -> Engine:
    """Open a store of flowdb."""
    from flowdb import FlowDB

    db = FlowDB(store)

    def ask(question: str) -> Rows:
        rows: Rows = getattr(db, question)().fetchall()
        return rows

    def query(sql: str) -> Rows:
        rows: Rows = db.sql(sql).fetchall()
        return rows

    return ask, query


def duckdb(folder: str) -> Engine:
    """Open a folder of partitioned Parquet with DuckDB."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(
        f"CREATE VIEW flows AS FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"
    )

    def query(sql: str) -> Rows:
        rows: Rows = connection.execute(sql).fetchall()
        return rows

    return lambda question: query((PLAIN / f"{question}.sql").read_text(encoding="utf-8")), query


def datafusion(folder: str) -> Engine:
    """Open it with DataFusion."""
    import pyarrow as pa
    from datafusion import SessionContext

    context = SessionContext()
    context.register_parquet("flows", folder, table_partition_cols=[("date", pa.string())])

    def query(sql: str) -> Rows:
        table = pa.Table.from_batches(context.sql(sql.rstrip().rstrip(";")).collect())
        return [tuple(row.values()) for row in table.to_pylist()]

    return lambda question: query(_question("datafusion", question)), query


def clickhouse(folder: str) -> Engine:
    """Open it with ClickHouse."""
    chdb: Any = import_module("chdb")
    connection = chdb.connect(":memory:")
    connection.query(f"CREATE VIEW flows AS SELECT * FROM file('{folder}/*/*.parquet', 'Parquet')")

    def query(sql: str) -> Rows:
        answer = json.loads(connection.query(sql.rstrip().rstrip(";"), "JSONCompact").bytes())
        stamps = [column["type"].find("DateTime") >= 0 for column in answer["meta"]]
        return [
            tuple(value[:19] if stamp and value else value for value, stamp in zip(row, stamps, strict=True))
            for row in answer["data"]
        ]

    return lambda question: query(_question("clickhouse", question)), query


ENGINES: dict[str, Callable[[str], Engine]] = {
    "flowdb": flowdb,
    "duckdb": duckdb,
    "datafusion": datafusion,
    "clickhouse": clickhouse,
}


def _question(engine: str, question: str) -> str:
    return (QUESTIONS / engine / f"{question}.sql").read_text(encoding="utf-8")


def _plain(value: object) -> object:
    """Write a value as every engine's answer has it: a moment as text in UTC, to the second."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value if value is None or isinstance(value, int | float | str | bool) else str(value)


def main() -> int:
    """Answer requests, one a line, each with one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("path")
    args = parser.parse_args()
    if not is_installed(args.engine):
        return SKIPPED
    ask, query = ENGINES[args.engine](args.path)
    for line in sys.stdin:
        request = json.loads(line)
        begun = time.perf_counter()
        rows = ask(request["question"]) if "question" in request else query(request["sql"])
        seconds = time.perf_counter() - begun
        plain = [[_plain(value) for value in row] for row in rows]
        print(json.dumps({"seconds": seconds, "rows": plain}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
