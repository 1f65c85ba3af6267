"""The peers of the ingest benchmark: each turns one folder of default-format `.log.gz` objects into Parquet.

The Parquet is compressed by zstd, lies under `date=YYYY-MM-DD/` by the UTC date of each record's start, and
holds the fields under their names with underscores, the start and end as timestamps.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SKIPPED = 3

# Each field's name and its type to DuckDB and to Polars.
COLUMNS = (
    ("version", "UTINYINT", "UInt8"),
    ("account-id", "VARCHAR", "String"),
    ("interface-id", "VARCHAR", "String"),
    ("srcaddr", "VARCHAR", "String"),
    ("dstaddr", "VARCHAR", "String"),
    ("srcport", "USMALLINT", "UInt16"),
    ("dstport", "USMALLINT", "UInt16"),
    ("protocol", "UTINYINT", "UInt8"),
    ("packets", "BIGINT", "Int64"),
    ("bytes", "BIGINT", "Int64"),
    ("start", "BIGINT", "Int64"),
    ("end", "BIGINT", "Int64"),
    ("action", "VARCHAR", "String"),
    ("log-status", "VARCHAR", "String"),
)


@dataclass(frozen=True)
class Peer:
    """One way to ingest: the module it needs, the function, and where in its output the Parquet lies."""

    module: str
    ingest: Callable[[Path, Path], None]
    parquet: str | None = "."


@dataclass(frozen=True)
class Run:
    """One measured run; `peak` is the resident bytes of the largest process, `output` what it printed."""

    seconds: float
    peak: int
    status: int
    output: str


def sources(folder: Path) -> list[Path]:
    """List a folder's objects, in the order of their names."""
    return sorted(folder.rglob("*.log.gz"))


def floor(folder: Path, _out: Path) -> None:
    """Decompress every object with ISA-L on all cores, and print the number of bytes thrown away."""
    from isal import igzip_lib

    def size(path: Path) -> int:
        packed = path.read_bytes()
        return len(igzip_lib.decompress(packed, flag=igzip_lib.DECOMP_GZIP, bufsize=8 * len(packed)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        print(sum(pool.map(size, sources(folder))))


def duckdb(folder: Path, out: Path) -> None:
    """Ingest with one DuckDB `COPY`, free to reorder rows and flushing partitions at a row group's size."""
    import duckdb

    columns = {name.replace("-", "_"): kind for name, kind, _ in COLUMNS}
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET partitioned_write_flush_threshold = 131072")
    connection.execute(
        f"""
        COPY (
            SELECT * EXCLUDE (start, "end"),
                   make_timestamp(start * 1000000) AS start_time,
                   make_timestamp("end" * 1000000) AS end_time,
                   start_time::DATE AS date
            FROM read_csv({[str(path) for path in sources(folder)]}, columns = {columns}, auto_detect = false,
                          delim = ' ', header = true, nullstr = '-', quote = '', escape = '')
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date))
        """
    )


def polars(folder: Path, out: Path) -> None:
    """Ingest with one streaming Polars query."""
    import polars as pl

    start, end = pl.from_epoch("start"), pl.from_epoch("end")
    pl.scan_csv(
        sources(folder),
        separator=" ",
        null_values="-",
        quote_char=None,
        schema={name: getattr(pl, kind)() for name, _, kind in COLUMNS},
        glob=False,
    ).select(
        *(pl.col(name).alias(name.replace("-", "_")) for name, *_ in COLUMNS if name not in ("start", "end")),
        start.alias("start_time"),
        end.alias("end_time"),
        start.dt.date().alias("date"),
    ).sink_parquet(
        pl.PartitionBy(out, key="date", include_key=False),
        compression="zstd",
        mkdir=True,
        engine="streaming",
    )


def flowdb(folder: Path, out: Path) -> None:
    """Ingest with flowdb, whose command replaces this process."""
    sys.stdout.flush()
    command = ["-m", "flowdb", "ingest", str(folder), "--store", str(out), "--json"]
    os.execv(sys.executable, [sys.executable, *command])


def plain(folder: Path, out: Path) -> None:
    """Ingest with flowdb as it is where its compiled part is missing."""
    os.environ["FLOWDB_NATIVE"] = "0"
    flowdb(folder, out)


PEERS = {
    "floor": Peer("isal", floor, parquet=None),
    "duckdb": Peer("duckdb", duckdb),
    "polars": Peer("polars", polars),
    "flowdb": Peer("flowdb", flowdb, parquet="data"),
    "flowdb, plain": Peer("flowdb", plain, parquet="data"),
}


def measure(name: str, folder: Path, out: Path) -> Run:
    """Run one peer in a process of its own; a status of `SKIPPED` means that its package is missing.

    On Linux a child's peak is no less than that of the process that starts it, so the caller must be small.
    """
    command = [sys.executable, "-m", "benchmarks.peers", name, str(folder), str(out)]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        output = child.stdout.read() if child.stdout else ""
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    return Run(seconds, peak, child.returncode, output.strip())


def main() -> int:
    """Run one peer in this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    peer = PEERS[args.peer]
    if find_spec(peer.module) is None:
        print(f"{args.peer}: skipped, the package {peer.module} is not installed")
        return SKIPPED
    peer.ingest(args.folder, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
