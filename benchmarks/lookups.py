"""What finds few records among many: the rows of one address, and of one interface in one hour."""

import re
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines import STORES, Asked, Rows
from benchmarks.machine import table
from benchmarks.peers import COLUMNS
from benchmarks.queries import DAYS, prepared, raced
from benchmarks.runs import module, spread
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

ADDED_UP = "count(*), sum(packets)::BIGINT, sum(bytes)::BIGINT"
SCANNED = re.compile(r"Row Groups Scanned:\s*([\d,]+)\s*/\s*([\d,]+)")
SELECTED = ", ".join(
    {"start": "start_time", "end": "end_time"}.get(name, name.replace("-", "_")) for name, _ in COLUMNS
)


@dataclass(frozen=True)
class Lookup:
    """A look-up: `ways` are the columns and values of which a row group must have one at least to be read.

    `function` is what flowdb has for it.
    """

    name: str
    title: str
    condition: str
    ways: tuple[tuple[str, str], ...]
    first: str | None = None
    last: str | None = None
    function: str = ""
    selected: str = SELECTED

    def sql(self, engine: str) -> str:
        """Return the query as it is asked in an engine."""
        if self.function and engine in STORES:
            return f"SELECT {self.selected} FROM {self.function}"
        return f"SELECT {self.selected} FROM flows WHERE {self.condition}"


def lookups(settings: Settings) -> Section:
    """Measure the look-ups in flowdb and in DuckDB over its own Parquet."""
    fresh, naive = prepared(settings)
    store = _compacted(fresh)
    engines = {name: Asked(name, path) for name, path in (("flowdb", store), ("duckdb", naive))}
    rows = [
        ["look-up", "rows", "engine", "median s", "min-max s", "row groups read", "can hold it", "hold it"]
    ]
    figures: dict[str, float] = {}
    try:
        files = {
            "flowdb": f"[{', '.join(_quoted(f'{store}/{path}') for path in _live(engines['flowdb']))}]",
            "duckdb": _quoted(f"{naive}/*/*.parquet"),
        }
        for lookup in _chosen(engines["duckdb"]):
            found: list[int] = []

            def ask(engine: Asked, lookup: Lookup = lookup, found: list[int] = found) -> tuple[float, Rows]:
                seconds, answer = engine.query(lookup.sql(engine.engine))
                found.append(len(answer))
                return seconds, sorted(answer, key=repr)

            seconds = raced(engines, settings.rounds * 3, ask)
            for name, times in seconds.items():
                read, every = _read(engines[name], lookup)
                holding = _holding(engines["duckdb"], files[name], lookup)
                held = _held(engines["duckdb"], files[name], lookup)
                rows.append(
                    [
                        lookup.title,
                        f"{found[0]:,}",
                        name,
                        *spread(times, 3),
                        f"{read} of {every}",
                        str(holding),
                        str(held),
                    ]
                )
                if name == "flowdb" and lookup.name:
                    figures[lookup.name] = statistics.median(times)
                    if lookup.name == "address":
                        figures["address-groups"] = read / max(held, 1)
    finally:
        for engine in engines.values():
            engine.close()
    text = (
        f"All rows, with the fields of the default format, among {settings.rows:,} records of {DAYS} days, "
        "in flowdb's store after `compact`; of the busiest host their number, packets and bytes. An address "
        "is asked for with `flows_of` in flowdb, and with `srcaddr = ... OR dstaddr = ...` in DuckDB. Row "
        "groups are those that DuckDB's EXPLAIN ANALYZE says were read, for each end of flows on its own "
        "where they are; those of which neither statistics nor bloom filters tell that they cannot hold a "
        "row; and those that hold one."
        f"\n\n{table(rows)}"
    )
    return Section("Look-ups", text, figures)


def _compacted(store: Path) -> Path:
    """Return a copy of a store that is compacted, made if it is not there."""
    compacted = store.with_name(f"{store.name}-compacted")
    done = compacted / ".compacted"
    if not done.exists():
        shutil.rmtree(compacted, ignore_errors=True)
        shutil.copytree(store, compacted)
        module("flowdb", "compact", "--store", str(compacted))
        done.touch()
    return compacted


def _chosen(duckdb: Asked) -> list[Lookup]:
    """Choose a public address that is seldom seen, one as busy as most, and the busiest host."""

    def ranked(column: str, condition: str, share: float) -> str:
        _, rows = duckdb.query(
            f"""
            WITH counted AS (
                SELECT {column} AS value, count(*) AS records FROM flows WHERE {condition} GROUP BY ALL
            )
            SELECT value FROM counted ORDER BY records, value
            LIMIT 1 OFFSET (SELECT floor((count(*) - 1) * {share})::BIGINT FROM counted)
            """
        )
        ((value,),) = rows
        return str(value)

    public, host = "srcaddr NOT LIKE '10.%'", "srcaddr LIKE '10.%'"
    addresses = [
        ("address", "one public address, seldom seen", ranked("srcaddr", public, 0.1), SELECTED),
        ("", "one public address, as busy as most", ranked("srcaddr", public, 0.5), SELECTED),
        ("", "the busiest host", ranked("srcaddr", host, 1), ADDED_UP),
    ]
    interface = ranked("interface_id", "log_status = 'OK'", 0.5)
    _, ((moment,),) = duckdb.query(
        f"SELECT date_trunc('hour', median(start_time))::TIMESTAMP FROM flows "
        f"WHERE interface_id = '{interface}'"
    )
    _, ((until,),) = duckdb.query(f"SELECT TIMESTAMP '{moment}' + INTERVAL 1 HOUR")
    return [
        *(
            Lookup(
                name,
                title,
                f"srcaddr = '{address}' OR dstaddr = '{address}'",
                (("srcaddr", address), ("dstaddr", address)),
                function=f"flows_of('{address}')",
                selected=selected,
            )
            for name, title, address, selected in addresses
        ),
        Lookup(
            "hour",
            "one interface in one hour",
            f"interface_id = '{interface}' AND start_time >= TIMESTAMP '{moment}' "
            f"AND start_time < TIMESTAMP '{until}'",
            (("interface_id", interface),),
            str(moment),
            str(until),
        ),
    ]


def _read(engine: Asked, lookup: Lookup) -> tuple[int, int]:
    """Return how many row groups a look-up reads, and of how many."""
    _, rows = engine.query(f"EXPLAIN ANALYZE {lookup.sql(engine.engine)}")
    scans = SCANNED.findall(" ".join(str(cell) for row in rows for cell in row))
    read, every = ([int(scan[place].replace(",", "")) for scan in scans] for place in (0, 1))
    return sum(read), max(every)


def _holding(duckdb: Asked, files: str, lookup: Lookup) -> int:
    """Count the row groups that can hold a row, as their statistics and bloom filters tell."""
    ways = " UNION ".join(
        f"""
        (SELECT file_name, row_group_id FROM parquet_metadata({files})
        WHERE path_in_schema = '{column}'
            AND coalesce(stats_min_value <= '{value}' AND '{value}' <= stats_max_value, true)
        EXCEPT
        SELECT file_name, row_group_id FROM parquet_bloom_probe({files}, '{column}', '{value}')
        WHERE bloom_filter_excludes)
        """
        for column, value in lookup.ways
    )
    if lookup.first:
        times = (
            f"SELECT file_name, row_group_id FROM parquet_metadata({files}) "
            "WHERE path_in_schema = 'start_time' "
            f"AND coalesce(TRY_CAST(stats_min_value AS TIMESTAMP) < TIMESTAMP '{lookup.last}' "
            f"AND TRY_CAST(stats_max_value AS TIMESTAMP) >= TIMESTAMP '{lookup.first}', true)"
        )
        ways = f"({ways}) INTERSECT ({times})"
    _, ((count,),) = duckdb.query(f"SELECT count(*) FROM ({ways})")
    return int(count)


def _held(duckdb: Asked, files: str, lookup: Lookup) -> int:
    """Count the row groups that hold a row."""
    _, ((count,),) = duckdb.query(
        f"""
        WITH placed AS (
            SELECT file_name, row_group_id,
                   sum(records) OVER before - records AS first, first + records AS until
            FROM (
                SELECT DISTINCT file_name, row_group_id, row_group_num_rows AS records
                FROM parquet_metadata({files})
            )
            WINDOW before AS (PARTITION BY file_name ORDER BY row_group_id)
        )
        SELECT count(DISTINCT (file_name, row_group_id))
        FROM read_parquet({files}, filename = true, file_row_number = true)
        JOIN placed ON filename = file_name AND file_row_number >= first AND file_row_number < until
        WHERE {lookup.condition}
        """
    )
    return int(count)


def _live(flowdb: Asked) -> list[str]:
    _, rows = flowdb.query("SELECT path FROM files WHERE kind = 'flows' ORDER BY path")
    return [str(path) for (path,) in rows]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
