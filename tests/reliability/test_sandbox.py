"""Queries of people who are not trusted: in a sandbox they read the store, and reach nothing else."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.analyses import analyses
from flowdb.errors import QueryError
from tests.cases import CASES, NAMES, GivenStores, given
from tests.cells import cells, csv_file_cells
from tests.conftest import HEADER, SAMPLES, Run, all_rows, record, write_log
from tests.terminals import interrupted


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a folder with a store, another one beside it, and what a query may be after."""
    place = tmp_path_factory.mktemp("place")
    for name in ("home", "tmp"):
        (place / name).mkdir()
    for store in ("flows", "other"):
        with flowdb.open(place / store) as db:
            db.ingest(SAMPLES)
            db.ingest(write_log(place / "logs" / "bad.log", [HEADER, "no record"]))
    (place / "secret.txt").write_text("secret\n")
    (place / "secret.csv").write_text("a,b\n1,2\n")
    pq.write_table(pa.table({"a": [42]}), place / "secret.parquet")
    (place / "flows" / "data" / "link.parquet").symlink_to(place / "secret.parquet")
    (place / "flows" / "data" / "linked").symlink_to(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(place / "home"))
        patch.setattr(tempfile, "tempdir", str(place / "tmp"))
        patch.chdir(place)
        yield place


@pytest.fixture
def ask(place: Path, run: Run) -> Run:
    """Give a function that runs `flowdb sql` on the store."""
    return partial(run, "sql", "--store", str(place / "flows"))


@pytest.fixture
def db(place: Path) -> Iterator[flowdb.FlowDB]:
    """Give the store, in a sandbox."""
    with flowdb.open(place / "flows", sandbox=True) as opened:
        yield opened


def test_all_that_a_store_tells_is_told_in_a_sandbox(db: flowdb.FlowDB, place: Path) -> None:
    views = ["flows", "tgw_flows", "sources", "commits", "bad_lines", "ephemeral_ranges"]
    with flowdb.open(place / "flows") as plain:
        for one in views:
            query = f"FROM {one} ORDER BY ALL"
            assert (one, db.sql(query).fetchall()) == (one, plain.sql(query).fetchall())
        assert db.top_talkers(top=3).fetchall() == plain.top_talkers(top=3).fetchall()
        assert db.status().project("* EXCLUDE store").fetchall() == (
            plain.status().project("* EXCLUDE store").fetchall()
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_analysis_answers_in_a_sandbox_as_it_does_outside(name: str, stores: GivenStores) -> None:
    with flowdb.open(stores[name].path, sandbox=True) as db:
        answer = cells(db.sql(analyses()[name].call(given(name))))
        assert answer == csv_file_cells(CASES / name / "expected.csv")


def test_a_commit_of_somebody_else_is_seen(place: Path, tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "flows") as other:
        other.ingest(write_log(tmp_path / "a.log", [HEADER, record()]))
        with flowdb.open(tmp_path / "flows", sandbox=True) as db:
            assert len(all_rows(db)) == 1
            other.ingest(write_log(tmp_path / "b.log", [HEADER, record(1)]))
            assert all_rows(db) == all_rows(other)
            assert len(all_rows(db)) == 2
            with pytest.raises(QueryError):
                db.sql(f"FROM read_text('{place}/secret.txt')").fetchall()


READING = [
    "SELECT 1; SELECT 2",
    "FROM flows LIMIT 1",
    "WITH x AS (SELECT 1 AS a) FROM x",
    "VALUES (1), (2)",
    "SHOW TABLES",
    "DESCRIBE flows",
    "SUMMARIZE SELECT srcport FROM flows",
    "PIVOT (SELECT action, 1 AS n FROM flows) ON action IN ('ACCEPT', 'REJECT') USING sum(n)",
    "EXPLAIN SELECT count(*) FROM flows",
    "EXPLAIN ANALYZE SELECT count(*) FROM flows",
    "explain (FORMAT json) FROM flows",
    "SELECT count(*) FROM (FROM flows ORDER BY bytes)",
]


@pytest.mark.parametrize("query", READING)
def test_what_only_reads_is_answered(db: flowdb.FlowDB, query: str) -> None:
    assert db.sql(query).fetchall()


ESCAPES = [
    # Files to be read.
    "FROM read_text('{place}/secret.txt')",
    "FROM read_text('secret.txt')",
    "FROM read_blob('{place}/secret.txt')",
    "FROM read_csv('{place}/secret.csv')",
    "FROM read_csv_auto('{place}/secret.csv')",
    "FROM sniff_csv('{place}/secret.csv')",
    "FROM read_json('{place}/secret.txt')",
    "FROM read_json_objects('{place}/secret.txt')",
    "FROM read_ndjson_auto('{place}/secret.txt')",
    "FROM '{place}/secret.csv'",
    "FROM '{place}/secret.parquet'",
    "FROM read_parquet('{place}/secret.parquet')",
    "FROM read_parquet(['{place}/secret.parquet'])",
    "FROM parquet_scan('{place}/secret.parquet')",
    "FROM parquet_metadata('{place}/secret.parquet')",
    "FROM parquet_schema('{place}/secret.parquet')",
    "FROM parquet_file_metadata('{place}/secret.parquet')",
    "FROM parquet_kv_metadata('{place}/secret.parquet')",
    "FROM parquet_bloom_probe('{place}/secret.parquet', 'a', 1)",
    "FROM read_parquet('{place}/other/data/*/*.parquet')",
    "FROM read_parquet('{place}/flows/data/*/*.parquet')",
    "FROM read_text('{place}/flows/catalog.sqlite')",
    "FROM read_text('/etc/passwd')",
    "FROM read_text('file:///etc/passwd')",
    "FROM read_csv('/dev/stdin')",
    "FROM read_text('/proc/self/environ')",
    "FROM glob('/etc/*')",
    "FROM glob('{place}/**')",
    "FROM query('FROM read_text(''{place}/secret.txt'')')",
    "FROM query_table('{place}/secret.parquet')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{place}/secret.txt'')'))",
    "SELECT (SELECT content FROM read_text('{place}/secret.txt'))",
    "SELECT getenv('HOME')",
    # The file system of the sandbox, and ways out of it.
    "FROM 'flowdb://data/link.parquet'",
    "FROM 'flowdb://data/linked/secret.parquet'",
    "FROM 'flowdb://../secret.parquet'",
    "FROM 'flowdb://data/../../secret.parquet'",
    "FROM 'flowdb:///{place}/secret.parquet'",
    "FROM 'flowdb://{place}/secret.parquet'",
    "FROM 'flowdb://data/../data/link.parquet'",
    "FROM read_parquet('flowdb://../other/data/*/*.parquet')",
    "FROM read_parquet('flowdb://data/*/*.parquet')",
    "FROM read_csv('flowdb://../secret.csv')",
    "FROM read_csv('flowdb://catalog.sqlite')",
    # The network, and what would be loaded for it.
    "FROM 'https://127.0.0.1:1/a.parquet'",
    "FROM 'http://127.0.0.1:1/a.parquet'",
    "FROM 's3://bucket/a.parquet'",
    "FROM 'hf://datasets/a/b.parquet'",
    "FROM read_csv('https://127.0.0.1:1/a.csv')",
    "FROM read_text('ftp://127.0.0.1:1/a.csv')",
    "FROM sqlite_scan('{place}/flows/catalog.sqlite', 'sources')",
    "FROM postgres_scan('host=127.0.0.1', 'a', 'b')",
    "FROM read_duckdb('{place}/flows/flowdb.duckdb')",
    "FROM iceberg_scan('{place}')",
    "FROM delta_scan('{place}')",
    "FROM read_xlsx('{place}/secret.csv')",
    "FROM shellfs('id |')",
    "FROM read_text('id |')",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "INSTALL httpfs FROM 'https://127.0.0.1:1'",
    "LOAD httpfs",
    "LOAD '{place}/evil.duckdb_extension'",
    "UPDATE EXTENSIONS",
    # Files to be written.
    "COPY (SELECT 1) TO '{place}/written'",
    "COPY flows TO '{place}/written' (FORMAT parquet, PARTITION_BY date)",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{mapped}' (FORMAT parquet, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO 'flowdb://data/written.parquet' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{spilled}/written'",
    "COPY (SELECT 1) TO '/dev/stdout'",
    "COPY x FROM '{place}/secret.csv'",
    "WITH x AS (COPY (SELECT 1) TO '{place}/written') SELECT 1",
    "WITH x AS (COPY (SELECT 1) TO '{mapped}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1",
    "WITH x AS (COPY (SELECT 1) TO 'flowdb://written.parquet' (FORMAT parquet)) SELECT 1",
    "WITH x AS (COPY (SELECT 1) TO '{spilled}/written') SELECT 1",
    "FROM query('WITH x AS (COPY (SELECT 1) TO ''{mapped}'' (FORMAT parquet)) SELECT 1')",
    (
        "FROM json_execute_serialized_sql(json_serialize_sql('WITH x AS"
        " (COPY (SELECT 1) TO ''{mapped}'' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1'))"
    ),
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{mapped}' (FORMAT parquet, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{place}/written'",
    "EXPLAIN ANALYZE CREATE OR REPLACE VIEW flows AS SELECT 1",
    "EXPLAIN COPY (SELECT 1) TO '{place}/written'",
    "/* */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{place}/written' -- */ EXPLAIN SELECT 1",
    "EXPORT DATABASE '{place}/written'",
    "IMPORT DATABASE '{place}/written'",
    "ATTACH '{place}/written.duckdb'",
    "ATTACH '{place}/flows/flowdb.duckdb' AS f (READ_ONLY)",
    "ATTACH '{mapped}' AS f",
    "ATTACH 'flowdb://written.duckdb' AS f",
    "ATTACH ':memory:' AS f",
    "DETACH memory",
    "USE system",
    # The configuration.
    "SET enable_external_access = true",
    "SET GLOBAL enable_external_access = true",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "RESET allowed_directories",
    "SET allowed_directories = ['/']",
    "SET allowed_paths = ['{place}/secret.txt']",
    "SET temp_directory = '{place}'",
    "SET log_query_path = '{place}/written'",
    "SET home_directory = '{place}'",
    "SET file_search_path = '{place}'",
    "SET extension_directory = '{place}'",
    "SET disabled_filesystems = ''",
    "SET VARIABLE x = 1",
    "PRAGMA enable_external_access = true",
    "PRAGMA enable_profiling",
    "PRAGMA profiling_output = '{place}/written'",
    "PRAGMA threads = 1",
    "CALL enable_logging('QueryLog', storage := 'file', storage_path := '{place}/written')",
    "FROM enable_logging('QueryLog', storage := 'file', storage_path := '{place}/written')",
    "FROM enable_logging(storage := 'stdout')",
    "CALL pragma_version()",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'a')",
    "DROP SECRET s",
    # What others would see on the same connection.
    "DROP VIEW flows",
    "DROP MACRO TABLE top_talkers",
    "CREATE TABLE x AS SELECT 1",
    "CREATE OR REPLACE VIEW flows AS SELECT 1",
    "CREATE TEMP VIEW flows AS SELECT 1",
    "CREATE MACRO m() AS TABLE FROM read_text('{place}/secret.txt')",
    "CREATE OR REPLACE MACRO top_talkers() AS TABLE SELECT 1",
    "CREATE SCHEMA x",
    "CREATE TYPE x AS ENUM ('a')",
    "INSERT INTO flows VALUES (1)",
    "UPDATE flows SET bytes = 1",
    "DELETE FROM flows",
    "TRUNCATE flows",
    "MERGE INTO flows USING flows AS f ON false WHEN MATCHED THEN DELETE",
    "ALTER VIEW flows RENAME TO x",
    "COMMENT ON VIEW flows IS 'x'",
    "PREPARE p AS COPY (SELECT 1) TO '{place}/written'",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "SELECT 1; DROP VIEW flows; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{place}/written'",
    # Whatever Python has at hand.
    "FROM place",
    "FROM connection",
    "FROM statements",
    "FROM pandas_scan(1)",
    "FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM python_map_function(1)",
]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(
            query,
            marks=pytest.mark.skipif(
                "FROM enable_logging" in query and duckdb.__version__ < "2",
                reason="DuckDB 1 writes nothing, but its connection is of no use afterwards",
            ),
        )
        for query in ESCAPES
    ],
)
def test_nothing_leads_out_of_the_sandbox(db: flowdb.FlowDB, place: Path, query: str) -> None:
    asked = ["SELECT count(*), bit_xor(hash(flows)) FROM flows"]
    asked += ["FROM top_talkers(top := 3)"] if "top_talkers" in query else []
    answers = {one: db.sql(one).fetchall() for one in asked}
    file = next((place / "flows" / "data").glob("*/*.parquet"))
    words = {
        "place": str(place),
        "file": str(file),
        "mapped": f"flowdb://{file.relative_to(place / 'flows')}",
        "spilled": db.sql("SELECT current_setting('temp_directory')").fetchall()[0][0] or str(place / "tmp"),
    }
    before = everything(place)
    for word, meaning in words.items():
        query = query.replace(f"{{{word}}}", meaning)
    with suppress(QueryError, duckdb.Error):
        assert db.sql(query).fetchall() == []
    assert everything(place) == before
    for one, answer in answers.items():
        assert db.sql(one).fetchall() == answer
    settings = "current_setting('enable_external_access'), current_setting('lock_configuration')"
    assert db.sql(f"SELECT {settings}").fetchall() == [(False, True)]


def test_a_relation_writes_nothing_either(db: flowdb.FlowDB, place: Path) -> None:
    before = everything(place)
    result = db.sql("SELECT 1 AS a")
    for write in (result.write_csv, result.write_parquet):
        for target in (str(place / "written"), "flowdb://data/written.parquet"):
            with pytest.raises(duckdb.Error):
                write(target)
    with pytest.raises(duckdb.Error):
        result.query("r", f"COPY r TO '{place}/written'")
    with pytest.raises(duckdb.Error):
        result.query("r", f"SELECT content FROM read_text('{place}/secret.txt')")
    assert everything(place) == before


def test_a_query_that_writes_is_one_sentence(place: Path, ask: Run) -> None:
    for query, form in (
        ("WITH x AS (COPY (SELECT 1) TO 'flowdb://a.parquet' (FORMAT parquet)) SELECT 1", "parquet"),
        ("DROP VIEW flows", "table"),
        ("COPY (SELECT 1) TO 'a'", "csv"),
        ("FROM read_text('/etc/passwd')", "table"),
        ("PIVOT flows ON action", "csv"),
    ):
        done = ask("--sandbox", query, "-o", form)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("flowdb: error: ")
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr
    assert ask("--sandbox", "DROP VIEW flows").stderr == (
        "flowdb: error: a sandbox takes no statements but SELECT and EXPLAIN SELECT\n"
    )


KINDS = """
SELECT 1::HUGEINT AS huge, 340282366920938463463374607431768211455::UHUGEINT AS unsigned,
    '0123-4567-89ab-cdef0123456789abcdef'::UUID AS uuid, '101'::BIT AS bits, TIME '10:00:01.5' AS time,
    '10:00:00+01'::TIMETZ AS zoned, INTERVAL '3 months 2 days' AS span, 'a'::ENUM ('a', 'b') AS word,
    '{"a": [1, "x"]}'::JSON AS json, [1, NULL] AS list, {'a': 1, 'b': 'x'} AS struct, MAP {'k': 1.5} AS map,
    TIMESTAMP_NS '2024-01-15 00:00:00.123456789' AS nanos, TIMESTAMP '2024-01-15 10:00' AS moment,
    DATE '2024-01-15' AS day, 1.50::DECIMAL(9, 2) AS money, '\\xAA\\x00'::BLOB AS bytes, NULL AS nothing,
    0.1::FLOAT AS single, 'nan'::DOUBLE AS no_number, true AS yes, '=1' AS formula, 'a' AS "same",
    255::UTINYINT AS small, 'inf'::DOUBLE AS "same", '' AS empty, e'x\\n"y' AS quoted
FROM range(3)
"""


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "tsv", "json", "jsonl"])
def test_a_sandbox_writes_what_is_written_without(place: Path, ask: Run, form: str) -> None:
    for query in (KINDS, "FROM flows ORDER BY ALL LIMIT 100", "SELECT 1 AS a WHERE false"):
        plain, boxed = ask(query, "-o", form), ask("--sandbox", query, "-o", form)
        assert (boxed.returncode, boxed.stderr) == (0, "")
        assert boxed.stdout == plain.stdout


def test_many_threads_read_one_file(tmp_path: Path) -> None:
    lines = (record(n % 20_000, start=1_705_312_800 + n // 20, bytes=n) for n in range(600_000))
    with flowdb.open(tmp_path / "large") as db:
        db.ingest(write_log(tmp_path / "large.log", [HEADER, *lines]))
    with flowdb.open(tmp_path / "large", sandbox=True) as db:
        for _ in range(20):
            found = db.sql("SELECT count(*), sum(bytes), count(DISTINCT srcport), min(srcaddr) FROM flows")
            assert found.fetchall() == [(600_000, 179_999_700_000, 20_000, "10.0.0.1")]


def test_parquet_comes_out_of_a_sandbox(place: Path) -> None:
    command = [sys.executable, "-m", "flowdb", "sql", "--sandbox", "FROM flows ORDER BY ALL", "-o", "parquet"]
    done = subprocess.run(command, cwd=place, capture_output=True, check=True)
    with flowdb.open(place / "flows") as plain:
        expected = plain.sql("FROM flows ORDER BY ALL")
        table = pq.read_table(io.BytesIO(done.stdout))
        assert table.column_names == expected.columns
        assert duckdb.from_arrow(table).fetchall() == expected.fetchall()


@pytest.mark.parametrize(
    "folder", ["it's", 'say "so"', "a b", "x[1]", "x*", "x?y", "date=2024", "é%41#", "two\nlines"]
)
def test_a_store_at_any_place_has_a_sandbox(tmp_path: Path, folder: str) -> None:
    log = write_log(tmp_path / "a.log", [HEADER, record(), record(start=1_705_399_200), "no record"])
    with flowdb.open(tmp_path / folder) as db:
        db.ingest(log)
        expected = all_rows(db)
    with flowdb.open(tmp_path / folder, sandbox=True) as db:
        assert all_rows(db) == expected
        assert db.sql("SELECT line FROM bad_lines").fetchall() == [("no record",)]


CHANGES = [
    "DROP VIEW flows",
    "CREATE OR REPLACE VIEW flows AS SELECT 1",
    "INSERT INTO flows SELECT * FROM flows",
    "DELETE FROM flows",
    "UPDATE flows SET bytes = 0",
    "CREATE TABLE x AS FROM flows; DROP TABLE x",
    "DROP MACRO TABLE top_talkers",
    "SELECT 1; DROP VIEW flows; SELECT 2",
    "ALTER VIEW flows RENAME TO gone",
    "CHECKPOINT",
]


@pytest.mark.parametrize("query", CHANGES)
def test_without_a_sandbox_a_query_changes_its_own_views_and_not_the_store(
    place: Path, ask: Run, query: str
) -> None:
    before = everything(place)
    ask(query)
    assert everything(place) == before
    assert json.loads(ask("SELECT count(*) AS n FROM flows", "-o", "json").stdout) == [{"n": 12_000}]


def test_the_help_says_what_the_sandbox_is_for(run: Run) -> None:
    assert "no file but the store" in " ".join(run("sql", "--help").stdout.split())


def test_output_of_a_sandbox_can_be_parsed(place: Path, ask: Run) -> None:
    done = ask("--sandbox", "SELECT srcaddr, '=1+1' AS x FROM flows ORDER BY ALL LIMIT 2", "-o", "csv")
    assert [row[1] for row in csv.reader(io.StringIO(done.stdout))] == ["x", "'=1+1", "'=1+1"]
    assert os.listdir(place / "home") == []


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_query_in_a_sandbox_can_be_interrupted(place: Path, form: str) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"
    command = [sys.executable, "-m", "flowdb", "sql", "--sandbox", endless, "-o", form]
    code, said = interrupted(command, place)
    assert (code, "Traceback" in said) == (130, False)
