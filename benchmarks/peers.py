"""The peers of the ingest benchmark: each turns one folder of `.log.gz` objects into Parquet.

The Parquet is compressed by zstd, lies under `date=YYYY-MM-DD/` by the UTC date of each record's start, and
holds the fields under their names with underscores, the start and end as timestamps.
"""

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.runs import SKIPPED

# Each field's name and its type: the bits of a number, or none for text.
COLUMNS = (
    ("version", 8), ("account-id", None), ("interface-id", None), ("srcaddr", None), ("dstaddr", None),
    ("srcport", 16), ("dstport", 16), ("protocol", 8), ("packets", 64), ("bytes", 64), ("start", 64),
    ("end", 64), ("action", None), ("log-status", None),
)  # fmt: skip
V5_COLUMNS = (
    *COLUMNS, ("vpc-id", None), ("subnet-id", None), ("instance-id", None), ("tcp-flags", 8), ("type", None),
    ("pkt-srcaddr", None), ("pkt-dstaddr", None), ("region", None), ("az-id", None),
    ("sublocation-type", None), ("sublocation-id", None), ("pkt-src-aws-service", None),
    ("pkt-dst-aws-service", None), ("flow-direction", None), ("traffic-path", 8),
)  # fmt: skip
DUCKDB = {None: "VARCHAR", 8: "UTINYINT", 16: "USMALLINT", 64: "BIGINT"}
POLARS = {None: "String", 8: "UInt8", 16: "UInt16", 64: "Int64"}
CLICKHOUSE = {None: "String", 8: "UInt8", 16: "UInt16", 64: "Int64"}

Columns = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Peer:
    """One way to ingest: the module it needs, the function, and where in its output the Parquet lies."""

    module: str
    ingest: Callable[[Path, Path, Columns], None]
    parquet: str | None = "."


def sources(folder: Path) -> list[Path]:
    """List a folder's objects, in the order of their names."""
    return sorted(folder.rglob("*.log.gz"))


def floor(folder: Path, _out: Path, _columns: Columns) -> None:
    """Decompress every object, and print the number of bytes thrown away."""
    print(decompressed(folder))


def decompressed(folder: Path) -> int:
    """Decompress every object with ISA-L on all cores, and return the number of bytes thrown away."""
    from isal import igzip_lib

    def size(path: Path) -> int:
        packed = path.read_bytes()
        return len(igzip_lib.decompress(packed, flag=igzip_lib.DECOMP_GZIP, bufsize=8 * len(packed)))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(size, sources(folder)))


def duckdb(folder: Path, out: Path, columns: Columns) -> None:
    """Ingest with one DuckDB `COPY`, free to reorder rows and flushing partitions at a row group's size."""
    import duckdb

    types = {name.replace("-", "_"): DUCKDB[bits] for name, bits in columns}
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
            FROM read_csv({[str(path) for path in sources(folder)]}, columns = {types}, auto_detect = false,
                          delim = ' ', header = true, nullstr = '-', quote = '', escape = '')
        ) TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date))
        """
    )


def polars(folder: Path, out: Path, columns: Columns) -> None:
    """Ingest with one streaming Polars query."""
    import polars as pl

    start, end = pl.from_epoch("start"), pl.from_epoch("end")
    pl.scan_csv(
        sources(folder),
        separator=" ",
        null_values="-",
        quote_char=None,
        schema={name: getattr(pl, POLARS[bits])() for name, bits in columns},
        glob=False,
    ).select(
        *(pl.col(name).alias(name.replace("-", "_")) for name, _ in columns if name not in ("start", "end")),
        start.alias("start_time"),
        end.alias("end_time"),
        start.dt.date().alias("date"),
    ).sink_parquet(
        pl.PartitionBy(out, key="date", include_key=False),
        compression="zstd",
        mkdir=True,
        engine="streaming",
    )


def clickhouse(folder: Path, out: Path, columns: Columns) -> None:
    """Ingest with one ClickHouse `INSERT` into partitioned files."""
    chdb: Any = import_module("chdb")
    types = ", ".join(f"`{name.replace('-', '_')}` Nullable({CLICKHOUSE[bits]})" for name, bits in columns)
    out.mkdir(parents=True)
    chdb.query(
        f"""
        INSERT INTO FUNCTION file('{out}/date={{_partition_id}}/rows.parquet', 'Parquet')
        PARTITION BY toString(toDate(assumeNotNull(start_time), 'UTC'))
        SELECT * EXCEPT (start, `end`),
               toDateTime64(start, 0, 'UTC') AS start_time, toDateTime64(`end`, 0, 'UTC') AS end_time
        FROM file('{folder}/**/*.log.gz', 'CustomSeparatedWithNames', '{types}')
        SETTINGS format_custom_field_delimiter = ' ', format_custom_escaping_rule = 'CSV',
                 format_csv_null_representation = '-', input_format_with_names_use_header = 0,
                 output_format_parquet_compression_method = 'zstd', max_partitions_per_insert_block = 10000
        """
    )


def flowdb(folder: Path, out: Path, _columns: Columns) -> None:
    """Ingest with flowdb's command line."""
    sys.argv = ["flowdb", "ingest", str(folder), "--store", str(out), "--json"]
    sys.exit(import_module("flowdb.cli").main())


def plain(folder: Path, out: Path, columns: Columns) -> None:
    """Ingest with flowdb as it is where its compiled part is missing."""
    os.environ["FLOWDB_NATIVE"] = "0"
    flowdb(folder, out, columns)


PEERS = {
    "floor": Peer("isal", floor, parquet=None),
    "duckdb": Peer("duckdb", duckdb),
    "polars": Peer("polars", polars),
    "clickhouse": Peer("chdb", clickhouse),
    "flowdb": Peer("flowdb", flowdb, parquet="data"),
    "flowdb, plain": Peer("flowdb", plain, parquet="data"),
}


def main() -> int:
    """Run one peer in this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fields", choices=("default", "v5"), default="default")
    args = parser.parse_args()
    peer = PEERS[args.peer]
    if find_spec(peer.module) is None:
        print(f"{args.peer}: skipped, the package {peer.module} is not installed")
        return SKIPPED
    peer.ingest(args.folder, args.out, COLUMNS if args.fields == "default" else V5_COLUMNS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
