"""What finds few records among many: the rows of one address, and of one interface in one hour."""

import re
import statistics
from dataclasses import dataclass

from benchmarks.engines import Asked, Rows
from benchmarks.machine import table
from benchmarks.peers import COLUMNS
from benchmarks.queries import DAYS, prepared, raced
from benchmarks.runs import spread
from benchmarks.scoreboard import Section
from benchmarks.settings import Settings

SCANNED = re.compile(r"Row Groups Scanned:\s*([\d,]+)\s*/\s*([\d,]+)")
SELECTED = ", ".join(
    {"start": "start_time", "end": "end_time"}.get(name, name.replace("-", "_")) for name, _ in COLUMNS
)


@dataclass(frozen=True)
class Lookup:
    """A look-up: `ways` are the columns and values of which a row group must have one at least to be read."""

    name: str
    title: str
    condition: str
    ways: tuple[tuple[str, str], ...]
    first: str | None = None
    last: str | None = None

    @property
    def sql(self) -> str:
        """The query, the same for every engine."""
        return f"SELECT {SELECTED} FROM flows WHERE {self.condition}"


def lookups(settings: Settings) -> Section:
    """Measure the look-ups in flowdb and in DuckDB over its own Parquet."""
    store, naive = prepared(settings)
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

            def ask(engine: Asked, sql: str = lookup.sql, found: list[int] = found) -> tuple[float, Rows]:
                seconds, answer = engine.query(sql)
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
        f"All rows, with the fields of the default format, among {settings.rows:,} records of {DAYS} days. "
        "Row groups are those that DuckDB's EXPLAIN ANALYZE says were read, and those of which neither "
        "statistics nor bloom filters tell that they cannot hold a row, and those that hold one."
        f"\n\n{table(rows)}"
    )
    return Section("Look-ups", text, figures)


def _chosen(duckdb: Asked) -> list[Lookup]:
    """Choose a public address that is seldom seen, and a host and an interface as busy as most."""

    def ranked(column: str, condition: str, part: int) -> str:
        _, rows = duckdb.query(
            f"""
            WITH counted AS (
                SELECT {column} AS value, count(*) AS records FROM flows WHERE {condition} GROUP BY ALL
            )
            SELECT value FROM counted ORDER BY records, value
            LIMIT 1 OFFSET (SELECT count(*) // {part} FROM counted)
            """
        )
        ((value,),) = rows
        return str(value)

    public = ranked("srcaddr", "srcaddr NOT LIKE '10.%'", 10)
    host = ranked("srcaddr", "srcaddr LIKE '10.%'", 2)
    interface = ranked("interface_id", "log_status = 'OK'", 2)
    _, ((moment,),) = duckdb.query(
        f"SELECT date_trunc('hour', median(start_time))::TIMESTAMP FROM flows "
        f"WHERE interface_id = '{interface}'"
    )
    _, ((until,),) = duckdb.query(f"SELECT TIMESTAMP '{moment}' + INTERVAL 1 HOUR")
    addresses = [("address", "one public address, seldom seen", public), ("", "one host", host)]
    return [
        *(
            Lookup(
                name,
                title,
                f"srcaddr = '{address}' OR dstaddr = '{address}'",
                (("srcaddr", address), ("dstaddr", address)),
            )
            for name, title, address in addresses
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
    _, rows = engine.query(f"EXPLAIN ANALYZE {lookup.sql}")
    scans = SCANNED.findall(" ".join(str(cell) for row in rows for cell in row))
    read, every = (sum(int(scan[place].replace(",", "")) for scan in scans) for place in (0, 1))
    return read, every


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
