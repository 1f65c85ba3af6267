"""Ingest on a real cluster: the rows of `flowdb ingest`, once, whatever dies."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb.errors import ClusterError, NotAStore, SourceDamaged, SourceNotFound, StoreOvertaken, UsageError
from flowdb.faults import LAKE_POINTS
from flowdb.lake import BAD_LINES, STAGED, Lake, open_lake
from tests import cluster as clusters
from tests import s3
from tests.cluster import Cluster
from tests.conftest import HEADER, ROOT, SAMPLES, record, write_log
from tests.deliveries import PACKINGS
from tests.parquets import as_aws_writes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

clusters.need_spark()

Rows = list[tuple[object, ...]]
KEYS = {"key": s3.ACCESS_KEY, "secret": s3.SECRET_KEY}
# As many sources as this make a task of a test.
TOGETHER = 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters.started(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def spark(cluster: Cluster) -> Iterator[SparkSession]:
    """A session in which whatever is slower than the rest is done a second time."""
    speculation = {
        "spark__speculation": "true",
        "spark__speculation__interval": "100ms",
        "spark__speculation__minTaskRuntime": "500ms",
        "spark__speculation__quantile": "0.3",
    }
    with clusters.session(cluster, **speculation) as spark:
        yield spark


@pytest.fixture(autouse=True)
def _small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowdb import spark_ingest

    monkeypatch.setattr(spark_ingest, "_BYTES_OF_ASKING", 1 << 20)
    monkeypatch.setattr(spark_ingest, "_LEAST_TASK_BYTES", TOGETHER * (1 << 20) + (1 << 19))


def put_logs(folder: Path, count: int, first: int = 0) -> list[str]:
    """Put logs of three records each into a folder, and return the source port of each record, sorted."""
    for number in range(first, first + count):
        lines = [HEADER, *(record(3 * number + n) for n in range(3))]
        write_log(folder / f"{number:03}.log.gz", lines)
    return ports_of(count, first)


def ports_of(count: int, first: int = 0) -> list[str]:
    return [str(40_000 + number) for number in range(3 * first, 3 * (first + count))]


def ports(lake: Lake) -> list[str]:
    """Return the source port of each record of a lake, sorted."""
    return sorted(str(row["srcport"]) for row in lake.table("flows").to_pyarrow_table().to_pylist())


def rows(lake: Lake, query: str) -> Rows:
    """Return what DuckDB answers over the tables of a lake, as another reader has them."""
    with duckdb.connect() as connection:
        for name in ("flows", "tgw_flows", "sources", BAD_LINES):
            connection.register(name, lake.table(name).to_pyarrow_table())
        return connection.sql(query).fetchall()


def columns(db: flowdb.FlowDB, view: str) -> str:
    return ", ".join(f'f."{name}"' for name in db.sql(f"FROM {view} LIMIT 0").columns if name != "source_id")


def assert_same(lake: Lake, db: flowdb.FlowDB) -> None:
    """Assert that a lake has each row of a store, of the same source, and no other."""
    for view in ("flows", "tgw_flows"):
        query = (
            f"SELECT uri, {columns(db, view)} FROM {view} AS f JOIN sources USING (source_id) ORDER BY ALL"
        )
        assert rows(lake, query) == db.sql(query).fetchall()
    queries = (
        f"SELECT {columns(db, 'sources')} FROM sources AS f ORDER BY uri",
        "SELECT source, line_number, reason, line FROM bad_lines JOIN sources USING (source_id) ORDER BY ALL",
        "SELECT count(*), count(DISTINCT source_id) FROM sources",
    )
    for query in queries:
        assert rows(lake, query) == db.sql(query).fetchall()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of logs of every kind, with bad lines, fields that nobody knows, a damaged object."""
    folder = tmp_path_factory.mktemp("mixed")
    shutil.copytree(SAMPLES, folder / "samples")
    for name in ("cloudwatch", "official", "real", "shapes"):
        shutil.copytree(ROOT / "tests" / "data" / name, folder / name)
    names = HEADER.split()
    table = as_aws_writes(names, [record(n, start=1_705_363_190 + n).split() for n in range(20)])
    pq.write_table(table, folder / "delivered.log.parquet")
    write_log(folder / "new.log.gz", [f"{HEADER} new-field", f"{record(1)} x", f"{record(2)} -", "broken"])
    write_log(
        folder / "v5.log",
        ["srcaddr region account-id bytes start", "10.0.0.9 eu-west-1 000000000001 5 1705312800"],
    )
    (folder / "packed.zip").write_bytes(PACKINGS["zip"](f"{HEADER}\n{record(7)}\nodd\n".encode()))
    whole = gzip.compress(f"{HEADER}\n{record(8)}\n".encode() * 500)
    (folder / "damaged.log.gz").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def store(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[flowdb.FlowDB]:
    with flowdb.open(tmp_path_factory.mktemp("store") / "flows") as db:
        db.ingest(mixed)
        yield db


def test_the_lake_has_the_rows_of_a_store_and_a_second_run_adds_nothing(
    spark: SparkSession, mixed: Path, store: flowdb.FlowDB, tmp_path: Path
) -> None:
    report = flowdb.spark.ingest(spark, mixed, tmp_path / "lake")
    with flowdb.open(tmp_path / "flows") as other:
        expected = other.ingest(mixed)
    aside = ("seconds", "parquet_bytes")
    assert {n: v for n, v in report.facts().items() if n not in aside} == {
        n: v for n, v in expected.facts().items() if n not in aside
    }
    assert sorted(map(str, report.failures)) == sorted(map(str, expected.failures))
    assert SourceDamaged in {type(failure) for failure in report.failures}
    assert report.notes == expected.notes
    lake = open_lake(tmp_path / "lake")
    assert_same(lake, store)
    assert os.listdir(tmp_path / "lake" / STAGED) == []
    again = flowdb.spark.ingest(spark, mixed, tmp_path / "lake")
    assert (again.commit, again.sources_ingested, again.sources_skipped) == (None, 0, report.sources_ingested)
    assert open_lake(tmp_path / "lake").versions == lake.versions


def test_a_lake_is_opened_as_the_store_of_the_same_logs(
    spark: SparkSession, mixed: Path, store: flowdb.FlowDB, tmp_path: Path
) -> None:
    flowdb.spark.ingest(spark, mixed, tmp_path / "lake", partition_by=("date", "region"))
    with flowdb.open(tmp_path / "lake") as lake:
        for view in ("flows", "tgw_flows", "coverage", "vpc_flow_logs"):
            query = f"SELECT {columns(store, view)} FROM {view} AS f ORDER BY ALL"
            assert lake.sql(query).fetchall() == store.sql(query).fetchall()
        for verb in ("top_talkers", "rejected_sources", "coverage", "formats_seen"):
            assert getattr(lake, verb)().fetchall() == getattr(store, verb)().fetchall()


def test_a_file_of_a_lake_is_laid_out_as_one_of_a_store(spark: SparkSession, tmp_path: Path) -> None:
    put_logs(tmp_path / "logs", 2)
    flowdb.spark.ingest(spark, tmp_path / "logs", tmp_path / "lake")
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "logs")
    [path] = (tmp_path / "flows" / "data").rglob("*.parquet")
    lake = open_lake(tmp_path / "lake")
    [file] = lake.files("flows")
    one, other = (pq.ParquetFile(where).metadata for where in (lake.address(file), path))
    described = [
        [
            [
                {k: v for k, v in metadata.row_group(0).column(n).to_dict().items() if "offset" not in k}
                for n in range(metadata.num_columns)
            ],
            metadata.num_rows,
        ]
        for metadata in (one, other)
    ]
    assert described[0] == described[1]
    assert (file.records, file.partition, file.first_start) == (
        6,
        {"date": "2024-01-15"},
        "2024-01-15T10:00:00.000",
    )
    assert file.bytes == os.path.getsize(lake.address(file))


def test_a_lake_can_be_partitioned_by_region_and_account_too(
    spark: SparkSession, mixed: Path, store: flowdb.FlowDB, tmp_path: Path
) -> None:
    long = "r" * 70
    lines = [
        "srcaddr region account-id start",
        *(f"10.0.0.1 {one} 000000000002 1705312800" for one in (long, "-")),
    ]
    write_log(tmp_path / "odd" / "a.log", [*lines, "10.0.0.1 ../b=c%2F 000000000002 1705312800"])
    partition_by = ("date", "region", "account_id")
    flowdb.spark.ingest(spark, mixed, tmp_path / "lake", partition_by=partition_by)
    lake = open_lake(tmp_path / "lake")
    assert lake.partition_by == partition_by
    assert_same(lake, store)
    assert len({(file.partition["region"], file.partition["account_id"]) for file in lake.files("flows")}) > 3
    flowdb.spark.ingest(spark, tmp_path / "odd", tmp_path / "lake")
    query = "SELECT region, account_id FROM flows WHERE account_id = '000000000002' ORDER BY ALL"
    assert rows(open_lake(tmp_path / "lake"), query) == [
        ("../b=c%2F", "000000000002"),
        ("r" * 64, "000000000002"),
        (None, "000000000002"),
    ]
    with pytest.raises(UsageError, match="the lake is partitioned by date, region, account_id, and stays so"):
        flowdb.spark.ingest(spark, mixed, tmp_path / "lake", partition_by=["date"])


def test_an_executor_that_is_killed_adds_nothing_twice(
    spark: SparkSession, cluster: Cluster, tmp_path: Path
) -> None:
    put_logs(tmp_path / "logs", 12)
    with s3.serving() as server:
        server.put("logs", {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()})
        killed: list[int] = []

        def kill(request: s3.Request) -> None:
            if request.key == "007.log.gz" and not killed:
                killed.extend(cluster.executors())
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

        server.faults.append(kill)
        storage = {"endpoint_url": server.endpoint, **KEYS}
        report = flowdb.spark.ingest(spark, "s3://logs", tmp_path / "lake", storage=storage)
    assert killed
    assert (report.sources_ingested, report.failures) == (12, [])
    assert ports(open_lake(tmp_path / "lake")) == ports_of(12)
    assert os.listdir(tmp_path / "lake" / STAGED) == []


def test_a_task_that_is_done_twice_by_speculation_adds_nothing_twice(
    spark: SparkSession, tmp_path: Path
) -> None:
    put_logs(tmp_path / "logs", 12)
    slow = "010.log.gz"
    with s3.serving() as server:
        server.put("logs", {path.name: path.read_bytes() for path in (tmp_path / "logs").iterdir()})
        second = threading.Event()

        def hold_first(request: s3.Request) -> None:
            if request.key == slow and request.method == "GET":
                if server.fetched()[slow] > 1:
                    second.set()
                second.wait(60)

        server.faults.append(hold_first)
        storage = {"endpoint_url": server.endpoint, **KEYS}
        report = flowdb.spark.ingest(spark, "s3://logs", tmp_path / "lake", storage=storage)
        assert server.fetched()[slow] > 1
    assert (report.sources_ingested, report.failures) == (12, [])
    assert ports(open_lake(tmp_path / "lake")) == ports_of(12)


DRIVER = """
import sys
from flowdb import spark_ingest
spark = None
if len(sys.argv) > 3:
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    spark_ingest._BYTES_OF_ASKING, spark_ingest._LEAST_TASK_BYTES = 1 << 20, 7 << 19
spark_ingest.ingest(spark, [sys.argv[1]], sys.argv[2], spark_ingest.Wanted())
"""


def drive(cluster: Cluster, logs: Path, lake: Path, fault: str, *, on_cluster: bool = False) -> int:
    """Run a driver in a process of its own, which dies at a step; without a cluster nobody reads for it."""
    options = [part for one in cluster.options.items() for part in ("--conf", "=".join(one))]
    env = {
        **cluster.env,
        "FLOWDB_FAULT": fault,
        "PYSPARK_SUBMIT_ARGS": subprocess.list2cmdline([*options, "pyspark-shell"]),
    }
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        DRIVER,
        str(logs),
        str(lake),
        *(["spark"] if on_cluster else []),
    ]
    return subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, check=False, timeout=120
    ).returncode


def test_wherever_the_driver_dies_the_old_state_is_seen_and_the_next_run_reads_nothing_again(
    spark: SparkSession, cluster: Cluster, tmp_path: Path
) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    before = put_logs(logs, 2)
    flowdb.spark.ingest(spark, logs, lake)
    gateway = (ROOT / "tests" / "data" / "shapes" / "valid_tgw_flow_log.log").read_text().splitlines()
    write_log(logs / "gateway.log", gateway)
    write_log(logs / "bad.log", [HEADER, "broken"])
    after = sorted(before + put_logs(logs, 6, first=2))
    assert drive(cluster, logs, lake, "spark.read", on_cluster=True) == -signal.SIGKILL
    assert len(list((lake / STAGED).glob("*.receipt"))) == 3
    for path in logs.iterdir():  # what is read again would be something else
        status = path.stat()
        path.write_bytes(b"x" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for step in (one for one in LAKE_POINTS if one not in ("lake.created", "spark.read")):
        place = tmp_path / step
        shutil.copytree(lake, place)
        assert drive(cluster, logs, place, step) == -signal.SIGKILL
        seen = open_lake(place)
        is_done = step == "lake.committed"
        assert ports(seen) == (after if is_done else before), step
        assert rows(seen, "SELECT (SELECT count(*) FROM tgw_flows), (SELECT count(*) FROM bad_lines)") == [
            (1, 1) if is_done else (0, 0)
        ]
        report = flowdb.spark.ingest(None, logs, place)  # type: ignore[arg-type]
        assert (report.sources_ingested, report.commit) == ((0, None) if is_done else (8, 2)), step
        if not is_done:
            assert report.notes == ["8 sources were read by a run that did not end, and are taken from there"]
        done = open_lake(place)
        assert ports(done) == after
        counts = "(SELECT count(*) FROM tgw_flows), (SELECT count(*) FROM bad_lines), count(*)"
        assert rows(done, f"SELECT {counts}, count(DISTINCT source_id) FROM sources") == [(1, 1, 10, 10)]
        assert os.listdir(place / STAGED) == []


def test_a_receipt_is_taken_over_only_as_long_as_what_it_says_holds(
    spark: SparkSession, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    expected = put_logs(logs, 6)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            flowdb.spark.ingest(spark, logs, tmp_path / "lake")
    receipts = sorted((tmp_path / "lake" / STAGED).glob("*.receipt"))
    assert len(receipts) == 2
    write_log(logs / "000.log.gz", [HEADER, record(0), record(1), record(2), record(900)])
    receipts[1].write_bytes(receipts[1].read_bytes()[:-20])
    write_log(tmp_path / "other" / "z.log", [HEADER, record(700)])
    report = flowdb.spark.ingest(spark, tmp_path / "other", tmp_path / "lake")
    assert (report.notes, report.records) == ([], 1)
    report = flowdb.spark.ingest(spark, logs, tmp_path / "lake")
    assert (report.notes, report.sources_ingested) == ([], 6)
    assert ports(open_lake(tmp_path / "lake")) == sorted([*expected, "40700", "40900"])
    assert rows(open_lake(tmp_path / "lake"), "SELECT count(DISTINCT source_id) FROM sources") == [(7,)]


@pytest.mark.parametrize("other", ["logs", "more"])
def test_of_two_runs_at_once_one_is_refused_and_what_it_read_is_not_read_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    expected = sorted({*put_logs(logs, 4), *put_logs(tmp_path / other, 4, first=0 if other == "logs" else 4)})
    flowdb.spark.ingest(spark, write_log(tmp_path / "one" / "a.log", [HEADER, record(900)]), lake)
    have_read, one_has = threading.Barrier(2), threading.Event()
    commit = Lake.commit

    def commit_when_both_have_read(*args: object) -> Lake:
        one_has.set()
        have_read.wait(60)
        return commit(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Lake, "commit", commit_when_both_have_read)
    outcomes: list[object] = []

    def run(source: Path) -> None:
        try:
            outcomes.append(flowdb.spark.ingest(spark, source, lake).records)
        except StoreOvertaken as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run, args=(source,)) for source in (logs, tmp_path / other)]
    threads[0].start()
    if other == "more":
        one_has.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    reason = "another run wrote to it meanwhile, and nothing of this one is in it; start it again"
    assert sorted(outcomes, key=str) == [f"{lake}: {reason}", 12]
    monkeypatch.undo()
    assert len(ports(open_lake(lake))) == 13
    report = flowdb.spark.ingest(None, [logs, tmp_path / other], lake)  # type: ignore[arg-type]
    assert report.sources_ingested == (4 if other == "more" else 0)
    assert ports(open_lake(lake)) == sorted([*expected, "40900"])
    assert rows(open_lake(lake), "SELECT count(DISTINCT source_id) = count(*) FROM sources") == [(True,)]
    assert list((lake / STAGED).glob("*.receipt")) == []


def test_sources_and_lake_may_lie_in_s3(spark: SparkSession, tmp_path: Path) -> None:
    put_logs(tmp_path / "logs", 4)
    with s3.serving() as server:
        server.put(
            "more", {f"AWSLogs/{path.name}": path.read_bytes() for path in (tmp_path / "logs").iterdir()}
        )
        server.put("lakes", {})
        storage = {"endpoint_url": server.endpoint, **KEYS}
        report = flowdb.spark.ingest(spark, "s3a://more/AWSLogs", "s3a://lakes/a lake", storage=storage)
        assert (report.sources_ingested, report.failures) == (4, [])
        lake = open_lake("s3://lakes/a lake", storage)
        assert ports(lake) == ports_of(4)
        again = flowdb.spark.ingest(spark, "s3://more/AWSLogs/", "s3://lakes/a lake/", storage=storage)
        assert (again.sources_ingested, again.sources_skipped) == (0, 4)
        assert lake.place.names(STAGED) == []
        everything = flowdb.spark.ingest(
            spark, ["s3://more", "s3://lakes"], tmp_path / "lake", storage=storage, destination_storage={}
        )
        assert (everything.sources_ingested, everything.failures) == (4, []), "a lake is no source"


def test_what_cannot_be_is_one_plain_error(spark: SparkSession, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    put_logs(logs, 1)
    with pytest.raises(SourceNotFound):
        flowdb.spark.ingest(spark, tmp_path / "none", tmp_path / "lake")
    assert not (tmp_path / "lake").exists()
    with pytest.raises(NotAStore, match="the folder is not empty and is no lake of flowdb"):
        flowdb.spark.ingest(spark, logs, logs)
    with pytest.raises(UsageError, match="the format is empty"):
        flowdb.spark.ingest(spark, logs, tmp_path / "lake", format=" ")
    flowdb.spark.ingest(spark, logs, tmp_path / "lake")
    put_logs(logs, 1, first=5)
    flows = tmp_path / "lake" / "flows"
    shutil.move(flows / "date=2024-01-15", tmp_path / "aside")
    (flows / "date=2024-01-15").write_text("no folder")
    with pytest.raises(ClusterError) as caught:
        flowdb.spark.ingest(spark, logs, tmp_path / "lake")
    assert str(caught.value) == f"the cluster gave up: {tmp_path}/lake: the storage refused (File exists)"
    assert "Traceback" in caught.value.detail


def submitted(cluster: Cluster, args: Sequence[str]) -> subprocess.CompletedProcess[str]:
    options = [part for one in cluster.options.items() for part in ("--conf", "=".join(one))]
    program = str(ROOT / "flowdb" / "spark_submit.py")
    spark_submit = str(Path(cluster.env["SPARK_HOME"]) / "bin" / "spark-submit")
    return subprocess.run(
        [spark_submit, *options, program, *args],
        env=cluster.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_spark_submit_runs_it_as_a_program(cluster: Cluster, tmp_path: Path) -> None:
    put_logs(tmp_path / "logs", 3)
    ended = submitted(cluster, ["--source", str(tmp_path / "logs"), "--destination", str(tmp_path / "lake")])
    assert ended.returncode == 0, ended.stderr
    # Spark hands on as standard output whatever a program says.
    assert f"9 records from 3 sources into {tmp_path / 'lake'} in " in ended.stdout
    assert ports(open_lake(tmp_path / "lake")) == ports_of(3)


def test_the_program_ends_as_the_command_line_does(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flowdb.spark_submit import main

    put_logs(tmp_path / "logs", 1)
    (tmp_path / "logs" / "damaged.log.gz").write_bytes(b"\x1f\x8b\x08\x00damaged")
    options = ["--source", str(tmp_path / "logs"), "--destination", str(tmp_path / "lake")]
    assert main([*options, "--partition-by", "date,region"]) == 1
    assert open_lake(tmp_path / "lake").partition_by == ("date", "region")
    assert main(["--source", str(tmp_path / "none"), *options[2:]]) == 2
    assert main([*options[:2], "--destination", str(tmp_path / "logs")]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"flowdb: error: {tmp_path / 'logs'}: the folder is not empty and is no lake of flowdb"
    )


def test_no_module_hides_one_of_python_from_a_program_that_lies_beside_it() -> None:
    names = {path.stem for path in (ROOT / "flowdb").glob("*.py")}
    assert names & sys.stdlib_module_names == set()
