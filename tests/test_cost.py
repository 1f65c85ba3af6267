"""What a question would cost: every figure beside one that is made of the logs and the files by hand."""

from __future__ import annotations

import gzip
import io
import json
import math
import shutil
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.analyses import analyses
from flowdb.cli import main
from flowdb.errors import QueryError, UsageError
from tests.conftest import HEADER, record, write_log

DAY = 86_400
FIRST = 1_705_312_800  # 2024-01-15 10:00:00
TEXT, AWS, STORE, INSIGHTS, HERE = (
    "Athena: text",
    "Athena: AWS Parquet",
    "Athena: this store",
    "Logs Insights",
    "flowdb",
)
INTEGERS = ("version", "srcport", "dstport", "protocol")
LONGS = ("packets", "bytes", "start", "end")
Facts = dict[str, object]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of two logs each, one with a field more than the others, and a store of them."""
    folder = tmp_path_factory.mktemp("cost")
    for name, day, count in (("a", 0, 700), ("b", 0, 40), ("c", 1, 300)):
        lines = [
            record(n, start=FIRST + day * DAY + n, bytes=n * n, srcaddr=f"10.0.{n % 7}.1")
            for n in range(count)
        ]
        write_log(folder / "logs" / f"{name}.log.gz", [HEADER, *lines])
    more = [f"{record(n, start=FIRST + DAY + n)} vpc-{n % 3}" for n in range(50)]
    write_log(folder / "logs" / "d.log.gz", [f"{HEADER} vpc-id", *more])
    with flowdb.open(folder / "flows") as db:
        db.ingest(folder / "logs")
    return folder


@pytest.fixture
def db(folder: Path) -> Iterator[flowdb.FlowDB]:
    """The store of two days."""
    with flowdb.open(folder / "flows") as opened:
        yield opened


def ends(folder: Path, date: str, *columns: str) -> tuple[int, int, int]:
    """The bytes that a reader of these columns needs of a date's files, its requests, and the files."""
    size = requests = files = 0
    for path in (folder / "flows" / "data" / f"date={date}").glob("*.parquet"):
        tail = path.read_bytes()[-8:]
        size += struct.unpack("<I", tail[:4])[0] + 8
        footer = pq.ParquetFile(path).metadata
        for group in range(footer.num_row_groups):
            row_group = footer.row_group(group)
            chunks = [row_group.column(number) for number in range(row_group.num_columns)]
            size += sum(one.total_compressed_size for one in chunks if one.path_in_schema in columns)
        requests += 1 + (footer.num_row_groups if columns else 0)
        files += 1
    return size, requests, files


def delivered(folder: Path, names: str, *columns: str) -> int:
    """The bytes of these columns of logs, if AWS had written every log of the folder as Parquet."""
    size = beside = records = wanted = 0
    for path in sorted((folder / "logs").iterdir()):
        header, *rows = [line.split() for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
        by_end = sorted(rows, key=lambda row: int(row[header.index("end")]))
        table = {}
        for place, name in enumerate(header):
            values = [row[place] for row in by_end]
            if name in INTEGERS:
                table[name] = pa.array([int(value) for value in values], pa.int32())
            elif name in LONGS:
                table[name] = pa.array([int(value) for value in values], pa.int64())
            else:
                table[name] = pa.array(values, pa.string())
        renamed = {
            {"start": "start_time", "end": "end_time"}.get(name, name.replace("-", "_")): column
            for name, column in table.items()
        }
        sink = io.BytesIO()
        pq.write_table(pa.table(renamed), sink, compression="gzip", store_schema=False)
        group = pq.ParquetFile(sink).metadata.row_group(0)
        chunks = [group.column(number) for number in range(group.num_columns)]
        size += sum(one.total_compressed_size for one in chunks if one.path_in_schema in columns)
        beside += len(sink.getvalue()) - sum(one.total_compressed_size for one in chunks)
        records += len(rows)
        wanted += len(rows) if path.name[0] in names else 0
    return round(Fraction(size * wanted, records) + Fraction(beside * len(names), 4))


def priced(
    way: str, objects: int, size: int, gets: int, lists: int, once: float, *, runs: int = 1
) -> tuple[object, ...]:
    """The bill of Athena at five dollars a TB, for ten MB at least, with what S3 asks for requests."""
    billed = max(math.ceil(size / 2**20), 10) * 2**20
    scan = billed / 2**40 * 5
    requests = gets * 0.0004 / 1000 + lists * 0.005 / 1000
    even = math.ceil(once / (scan + requests))
    per_month = (scan + requests) * runs * 30
    amounts = (round(one, 8) for one in (scan, requests, scan + requests, per_month))
    return (way, objects, size, billed, *amounts, even, round(even / runs, 2))


def rows(result: object) -> list[tuple[object, ...]]:
    """Bills without their question and seconds, with dollars as numbers."""
    found = [
        tuple(float(cell) if type(cell).__name__ == "Decimal" else cell for cell in row[1:-1])
        for row in result.fetchall()  # type: ignore[attr-defined]
    ]
    return [*found]


def test_a_query_costs_what_its_files_and_columns_weigh(folder: Path, db: flowdb.FlowDB) -> None:
    sizes = {path.name[0]: path.stat().st_size for path in (folder / "logs").iterdir()}
    raw = {path.name[0]: len(gzip.decompress(path.read_bytes())) for path in (folder / "logs").iterdir()}
    # To list two days in three parts, get four logs, and carry them out of AWS.
    once = 4 * 0.0004 / 1000 + 3 * 0.005 / 1000 + sum(sizes.values()) / 2**30 * 0.09
    # The day's logs are of two schemas, and so are its files: two scans.
    size, gets, files = ends(folder, "2024-01-16", "bytes", "dstport")
    assert files == 2
    insights = (raw["c"] + raw["d"]) / 2**30 * 0.005
    even = math.ceil(once / insights)
    result = db.cost(
        "SELECT sum(bytes) FROM flows WHERE date = '2024-01-16' AND dstport = 443", runs_per_day=8
    )
    assert rows(result) == [
        priced(TEXT, 2, sizes["c"] + sizes["d"], 2, 2, once, runs=8),
        priced(AWS, 2, delivered(folder, "cd", "bytes", "dstport"), 2 * 2, 2, once, runs=8),
        priced(STORE, 2, size, gets, 2, once, runs=8),
        (
            INSIGHTS,
            2,
            raw["c"] + raw["d"],
            raw["c"] + raw["d"],
            round(insights, 8),
            0.0,
            round(insights, 8),
            round(insights * 8 * 30, 8),
            even,
            round(even / 8, 2),
        ),
        (HERE, 2, size, 0, 0.0, 0.0, 0.0, 0.0, None, None),
    ]


def test_what_is_scanned_twice_is_paid_twice_but_in_logs_insights(folder: Path, db: flowdb.FlowDB) -> None:
    once, twice = (
        {row[0]: (row[1], row[2]) for row in rows(db.cost(query))}
        for query in (
            "SELECT count(*) FROM flows AS a WHERE a.srcaddr = '10.0.1.1'",
            "SELECT count(*) FROM flows AS a JOIN flows AS b ON a.srcaddr = b.srcaddr",
        )
    )
    for way in (TEXT, AWS, STORE):
        assert twice[way] == (2 * int(str(once[way][0])), 2 * int(str(once[way][1])))
    assert twice[INSIGHTS] == once[INSIGHTS]


def test_a_count_reads_the_ends_of_files_alone(folder: Path, db: flowdb.FlowDB) -> None:
    found = {row[0]: row[2] for row in rows(db.cost("SELECT count(*) FROM flows"))}
    assert found[STORE] == sum(ends(folder, date)[0] for date in ("2024-01-15", "2024-01-16"))
    assert found[TEXT] == sum(path.stat().st_size for path in (folder / "logs").iterdir())


def test_the_languages_cost_the_same(db: flowdb.FlowDB) -> None:
    plain = rows(db.cost("SELECT srcaddr, sum(bytes) FROM flows GROUP BY srcaddr"))
    athena = "SELECT srcaddr, sum(bytes) FROM vpc_flow_logs GROUP BY srcaddr"
    # The table has columns that are looked up by the source, which DuckDB 1 reads for nothing.
    assert rows(db.cost(athena, dialect="athena"))[:2] == plain[:2]
    assert rows(db.cost("SELECT srcaddr, sum(bytes) FROM flows WHERE true GROUP BY 1")) == plain
    bound = db.cost(
        "SELECT srcaddr, sum(bytes) FROM flows WHERE date >= $day GROUP BY 1", {"day": "2024-01-01"}
    )
    assert rows(bound) == plain
    insights = {row[0]: row[2] for row in rows(db.cost("stats sum(bytes) by srcAddr", dialect="insights"))}
    assert insights[TEXT] == plain[0][2]


@pytest.mark.parametrize(
    ("where", "days"),
    [
        ("date >= '2024-01-20' AND date < '2024-02-09'", 20),
        ("date BETWEEN '2024-01-20' AND '2024-02-09'", 21),
        ("date IN ('2024-01-20', '2024-02-09', '2031-01-01')", 2),
        ("date <> '2024-01-20' OR date IS NULL", 39),
        ("date = (SELECT max(date) FROM flows)", 80),
    ],
)
def test_the_days_are_those_that_duckdb_reads(where: str, days: int, forty_days: flowdb.FlowDB) -> None:
    found = {
        row[0]: row[1] for row in rows(forty_days.cost(f"SELECT count(srcport) FROM flows WHERE {where}"))
    }
    assert found[TEXT] == found[STORE] == days


@pytest.mark.parametrize(
    "where",
    [
        "bytes > 100000000",
        "packets = 4",
        "vpc_id = 'vpc-zzz'",
        "az_id = 'use1-az1'",
        "start_time >= TIMESTAMP '2030-01-01'",
    ],
)
def test_text_has_no_statistics_that_rule_anything_out(where: str, folder: Path, db: flowdb.FlowDB) -> None:
    found = {row[0]: row[1:3] for row in rows(db.cost(f"SELECT srcaddr FROM flows WHERE {where}"))}
    text = sum(path.stat().st_size for path in (folder / "logs").iterdir())
    raw = sum(len(gzip.decompress(path.read_bytes())) for path in (folder / "logs").iterdir())
    assert (found[TEXT], found[INSIGHTS], found[AWS][0]) == ((4, text), (4, raw), 4)
    assert found[STORE] == found[HERE]


def test_bad_lines_and_sources_rule_no_text_out(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log.gz", [HEADER, record(), "nonsense"])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "a.log.gz")
        for joined in ("bad_lines AS b ON b.line_number = 77", "sources AS b ON b.name = 'zzz'"):
            found = {
                row[0]: row[1] for row in rows(db.cost(f"SELECT f.srcport FROM flows AS f JOIN {joined}"))
            }
            assert (found[TEXT], found[INSIGHTS]) == (1, 1)


def test_what_statistics_rule_out_in_the_store_is_not_read(db: flowdb.FlowDB) -> None:
    found = {row[0]: row[1:3] for row in rows(db.cost("SELECT srcaddr FROM flows WHERE bytes > 100000000"))}
    assert (found[STORE], found[HERE]) == ((0, 0), (0, 0))


@pytest.fixture(scope="module")
def forty_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[flowdb.FlowDB]:
    """A store of a record a day."""
    folder = tmp_path_factory.mktemp("days")
    for day in range(40):
        write_log(folder / f"{day}.log.gz", [record(day, start=FIRST + day * DAY)])
    with flowdb.open(folder / "flows") as db:
        db.ingest(folder)
        yield db


def test_a_store_below_a_folder_like_a_partition_costs_the_same(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "flows", tmp_path / "a=b" / "flows")
    query = "SELECT srcport FROM flows WHERE date = '2024-01-16' AND dstport = 443"
    with flowdb.open(folder / "flows") as there, flowdb.open(tmp_path / "a=b" / "flows") as here:
        assert rows(here.cost(query)) == rows(there.cost(query))


def test_prices_of_a_person_take_the_place_of_the_table(db: flowdb.FlowDB, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        "item,region,amount\nathena-scan,mars-1,1048576\nathena-least,mars-1,0\ns3-get,mars-1,1000\n"
        "s3-list,mars-1,0\ninternet,mars-1,0\n"
    )
    result = db.cost("SELECT count(*) FROM flows", region="mars-1", prices=str(tmp_path / "prices.csv"))
    # A dollar for an MB, and one for each of four logs; Logs Insights has no price there.
    text, _, _, insights, _ = rows(result)
    assert text[3:] == (2**20, 1.0, 4.0, 5.0, 150.0, 1, 1.0)
    assert insights[4:] == (None, 0.0, None, None, None, None)


def test_prices_of_a_session_take_the_place_of_the_table(db: flowdb.FlowDB) -> None:
    of = "'athena-scan', 'us-east-1'"
    listed = f"({of}, 7, DATE '2030-01-01'), ({of}, 5, DATE '2020-01-01')"
    db.sql(
        f"CREATE TEMP VIEW athena_prices AS FROM (VALUES {listed}) AS listed (item, region, amount, as_of)"
    )
    (text, *_) = rows(db.cost("SELECT 1 FROM flows"))
    assert (text[3], text[4]) == (10 * 2**20, round(70 / 2**20, 8))


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        ("SELECT 1; SELECT 2", {}, "what costs is one query"),
        ("DROP TABLE x", {}, "what costs is one query"),
        ("SELECT 1; SELECT 2", {"dialect": "athena"}, "what costs is one query"),
        ("SELECT 1", {"dialect": "latin"}, "dialect is 'latin'"),
        ("SELECT 1", {"region": "mars-1"}, "no prices for the region 'mars-1'; there are: ap-southeast-1"),
        ("SELECT 1", {"runs_per_day": 0}, "runs_per_day is 0"),
        ("SELECT 1", {"runs_per_day": 1e300}, "expected more than 0, and 1,000,000,000 at most"),
        ("SELECT 1", {"runs_per_day": math.inf}, "runs_per_day is inf"),
        (
            "SELECT 1",
            {"prices": "nowhere.csv"},
            r"nowhere.csv: it cannot be read \(No such file or directory\)",
        ),
        ("top-talkerz", {}, "no analysis 'top-talkerz' .did you mean 'top_talkers'"),
        ("top_talkerz", {"params": {"top": 1}}, "no analysis 'top_talkerz' .did you mean 'top_talkers'"),
        (None, {"params": {"tops": 1}}, "no analysis has a parameter 'tops'"),
        ("top_talkers", {"params": {"tops": 1}}, "no parameter 'tops'"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    query: str | None, options: dict[str, object], said: str, db: flowdb.FlowDB
) -> None:
    with pytest.raises(UsageError, match=said):
        db.cost(query, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a line with item, region and amount, and prices below it"),
        ("item,region,amount\n", "expected a line with item, region and amount"),
        ("item,region\nathena-scan,x\n", "expected a line with item, region and amount"),
        ("item,region,amount\nathena-scan\n", "line 2: there is no region"),
        (
            "item,region,amount\nathena-scam,x,5\n",
            "line 2: item is 'athena-scam'; expected one of: athena-scan",
        ),
        ("item,region,amount\ns3-get,x,5\n s3-get, x, 6\n", "line 3: there are two amounts of s3-get in 'x'"),
        (
            "item,region,amount\nathena-scan,x,-1\n",
            "line 2: amount is '-1'; expected a number from 0 to 1,000,000,000",
        ),
        ("item,region,amount\nathena-scan,x,1e300\n", "line 2: amount is '1e300'"),
        ("item,region,amount\nathena-scan,x,nan\n", "line 2: amount is 'nan'"),
        ("item,region,amount\nathena-scan,x\n", "line 2: amount is ''"),
    ],
)
def test_prices_that_are_none_are_an_error(text: str, said: str, db: flowdb.FlowDB, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        db.cost("SELECT 1", prices=str(tmp_path / "prices.csv"))


def test_ten_megabytes_are_paid_where_the_prices_do_not_say(db: flowdb.FlowDB, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(" \nitem,region,amount\n athena-scan , mars-1 , 5\n".lstrip())
    (text, *_) = rows(db.cost("SELECT 1 FROM flows", region="mars-1", prices=str(tmp_path / "prices.csv")))
    assert text[3:5] == (10 * 2**20, round(10 / 2**20 * 5, 8))


def test_what_the_sandbox_does_not_read_has_no_cost(db: flowdb.FlowDB) -> None:
    with pytest.raises(QueryError, match="Permission Error"):
        db.cost("SELECT * FROM read_csv('/etc/passwd')")


def test_every_analysis_has_a_cost_or_lacks_a_field(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["cost", "--all", "--param", "top=1", "--store", str(folder / "flows"), "-o", "json"])
    printed = capsys.readouterr()
    found: list[Facts] = json.loads(printed.out)
    lacking = [line.split()[2].rstrip(":") for line in printed.err.splitlines()]
    assert (code, all(" needs " in line for line in printed.err.splitlines())) == (0, True)
    assert [one["question"] for one in found[::5]] == [name for name in analyses() if name not in lacking]
    assert {"cross_az", "unencrypted"} <= set(lacking)
    # Formats come of what the store knows of its sources, and of a few columns; the rest reads much more.
    assert all(int(str(one["bytes"])) > 0 for one in found)


def test_the_command_answers_as_the_method_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "cost",
        "rejected-sources",
        "--param",
        "since=2024-01-16",
        "--runs-per-day",
        "24",
        "-o",
        "json",
    ]
    assert main([*command, "--store", str(folder / "flows")]) == 0
    shown: list[Facts] = json.loads(capsys.readouterr().out)
    with flowdb.open(folder / "flows") as db:
        result = db.cost("rejected_sources", {"since": "2024-01-16"}, runs_per_day=24)
        names = result.columns
        answered = [dict(zip(names[1:-1], row, strict=True)) for row in rows(result)]
    assert [{name: one[name] for name in names[1:-1]} for one in shown] == answered
    assert [one["way"] for one in shown] == [TEXT, AWS, STORE, INSIGHTS, HERE]
    assert shown[0]["objects"] == 2


def test_the_command_says_what_it_lacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args in (["cost"], ["cost", "SELECT 1", "--all"], ["cost", "SELECT 1", "--param", "top=1"]):
        assert main([*args, "--store", str(folder / "flows")]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    assert main(["cost", "SELECT 'a\udcffb'", "--store", str(folder / "flows")]) == 2
    assert capsys.readouterr().err.endswith("the query is not UTF-8.\n")


def test_sources_that_are_no_gzip_text_are_told(tmp_path: Path) -> None:
    write_log(tmp_path / "plain.log", [HEADER, record()])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "plain.log")
        db.cost("SELECT count(*) FROM flows")
        assert db.notes == [
            "1 source of 1 not named as gzip text: the bytes of text are those that were delivered"
        ]


def test_an_empty_store_costs_the_least(tmp_path: Path) -> None:
    write_log(tmp_path / "empty.log.gz", [HEADER])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "empty.log.gz")
        found = rows(db.cost("FROM flows"))
    assert [row[:4] for row in found] == [
        *((way, 0, 0, 10 * 2**20) for way in (TEXT, AWS, STORE)),
        (INSIGHTS, 0, 0, 0),
        (HERE, 0, 0, 0),
    ]
