"""A store that Spark asks, on a real cluster: it has the rows that DuckDB gives, of whatever is asked."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import QueryError, StoreDamaged, StoreError, StoreMissing, UsageError
from flowdb.spark import attach
from flowdb.spark_functions import FUNCTIONS
from flowdb.spark_tables import SparkTable, frame
from tests import cluster
from tests.cases import DELIVERED, NAMES, GivenStores, given, given_log
from tests.cluster import need_spark
from tests.conftest import HEADER, record, write_log
from tests.lakes import lake_of
from tests.test_lake_files import added, small
from tests.test_rendering import MORE
from tests.test_tgw import TGW_HEADER, tgw_record

need_spark()

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from flowdb.spark_store import SparkStore

SQL = Path(__file__).parent.parent / "sql"
TYPES = {
    "array<bigint>": "BIGINT[]",
    "array<int>": "INTEGER[]",
    "array<string>": "VARCHAR[]",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "decimal(38,0)": "HUGEINT",
    "double": "DOUBLE",
    "int": "INTEGER",
    "string": "VARCHAR",
    "timestamp_ntz": "TIMESTAMP",
}
# What Spark and Hadoop may take for something else than a part of a name.
ODD = "a=b c%20d#e?f,[1]*{2}~é+'"
ASKED: list[Any] = [*((name, given(name)) for name in NAMES), *MORE]
# What else there is drowns what these look for.
ALONE = ("beacons", "exfiltration", "first_seen")
VIEWS = (
    *("flows", "tgw_flows", "sources", "bad_lines", "coverage", "vpc_flow_logs"),
    *("athena_prices", "ephemeral_ranges", "port_groups", "prices", "protocols", "services"),
)
Answer = tuple[list[str], list[str], list[tuple[Any, ...]]]


def of_duckdb(result: Any) -> Answer:
    """The columns of a result, their types, and the rows in their order."""
    return result.columns, [str(kind) for kind in result.types], result.fetchall()


def of_spark(result: DataFrame) -> Answer:
    """The same, with types in DuckDB's words."""
    rows = [tuple(row.values()) for row in result.toArrow().to_pylist()]
    return result.columns, [TYPES[kind] for _, kind in result.dtypes], rows


def in_any_order(answer: Answer) -> Answer:
    return *answer[:2], sorted(answer[2], key=repr)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session that compiles no question, as each is asked once, of a few rows."""
    options = {
        "spark__sql__adaptive__enabled": "false",
        "spark__sql__codegen__factoryMode": "NO_CODEGEN",
        "spark__sql__codegen__wholeStage": "false",
        "spark__sql__constraintPropagation__enabled": "false",
        "spark__sql__files__minPartitionNum": "1",
        "spark__sql__shuffle__partitions": "1",
    }
    with (
        cluster.started(tmp_path_factory.mktemp("cluster")) as started,
        cluster.session(started, **options) as session,
    ):
        yield session


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """The given logs of all analyses in one store, beside logs of other kinds, and with odd lines."""
    folder = tmp_path_factory.mktemp("asked") / ODD
    folder.mkdir()
    logs = [Path(shutil.copy(given_log(name), folder / f"{name}.log")) for name in NAMES]
    logs += [
        write_log(folder / "bad.log", [HEADER, record(), "1 2 3", record(1)]),
        write_log(folder / "tgw.log", [TGW_HEADER, tgw_record()]),
        write_log(folder / "new.log", ["start srcaddr bytes a-new-field", "1705312800 10.0.0.1 2 x"]),
        write_log(folder / "largest.log", [HEADER, *(record(n, bytes=2**63 - 1) for n in (2, 3))]),
    ]
    for log in logs:
        os.utime(log, (DELIVERED, DELIVERED))
    with flowdb.open(folder / "store") as opened:
        report = opened.ingest(*logs)
        assert (report.sources_ingested, report.bad_lines, report.failures) == (len(logs), 1, [])
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store without a record."""
    folder = tmp_path_factory.mktemp("empty")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(write_log(folder / "a.log", [HEADER]))
        yield opened


@pytest.fixture(scope="module")
def store(spark: SparkSession, db: FlowDB) -> SparkStore:
    return attach(spark, db.path)


def ask(store: SparkStore, name: str, values: dict[str, Any]) -> Answer:
    return of_spark(getattr(store, name)(**values))


@pytest.fixture(scope="module")
def answers(spark: SparkSession, store: SparkStore, stores: GivenStores) -> Iterator[list[Future[Answer]]]:
    """What Spark answers to every question, asked two at a time."""
    alone = {name: attach(spark, stores[name].path, prefix=f"{name}_") for name in ALONE}
    with ThreadPoolExecutor(2) as pool:
        yield [pool.submit(ask, alone.get(name, store), name, values) for name, values in ASKED]


@pytest.fixture(scope="module")
def nothing(spark: SparkSession, empty: FlowDB) -> Iterator[dict[str, Future[Answer]]]:
    """What it answers of a store without a record."""
    store = attach(spark, empty.path, prefix="empty_")
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(ask, store, name, given(name)) for name in NAMES}


# ---- analyses


@pytest.mark.parametrize(
    "number", range(len(ASKED)), ids=[f"{name}-{n}" for n, (name, _) in enumerate(ASKED)]
)
def test_an_analysis_has_the_same_rows_in_spark(
    number: int, db: FlowDB, stores: GivenStores, answers: list[Future[Answer]]
) -> None:
    name, values = ASKED[number]
    expected = of_duckdb(getattr(stores[name] if name in ALONE else db, name)(**values))
    assert answers[number].result() == expected
    assert expected[2] or values == {"cidrs": []}


@pytest.mark.parametrize("name", NAMES)
def test_so_it_has_of_a_store_without_records(
    name: str, empty: FlowDB, nothing: dict[str, Future[Answer]]
) -> None:
    assert nothing[name].result() == of_duckdb(getattr(empty, name)(**given(name)))


def test_what_the_analysis_refuses_is_refused_in_the_same_words(db: FlowDB, store: SparkStore) -> None:
    questions: list[tuple[str, tuple[object, ...], dict[str, object]]] = [
        ("top_talkers", (), {"by": "colour"}),
        ("top_talkers", (), {"top": -1}),
        ("nat_traffic", (), {"region": "mars-1"}),
        ("traffic_of", (), {}),
        ("traffic_of", ("10.0.0.5",), {"addr": "10.0.0.5"}),
        ("in_list", (["10.0.0.0/33"],), {}),
        ("rejects", (), {"since": "2024-01-16", "until": "2024-01-15"}),
        ("rejects", (), {"colour": 1}),
        ("rejects", tuple(range(9)), {}),
    ]
    for name, args, values in questions:
        said = []
        for one in (db, store):
            with pytest.raises(UsageError) as caught:
                getattr(one, name)(*args, **values)
            said.append((type(caught.value), str(caught.value)))
        assert said[0] == said[1]
    with pytest.raises(
        AttributeError,
        match=r"'SparkStore' object has no attribute 'top_talker' \(did you mean 'top_talkers'",
    ):
        store.top_talker  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(UsageError, match="top_talkers: names are for a store that is opened"):
        store.top_talkers(names=True)


def test_a_field_that_no_log_has_is_missed_in_the_same_words(spark: SparkSession, tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "store") as store:
        store.ingest(write_log(tmp_path / "a.log", [HEADER, record()]))
        attached = attach(spark, tmp_path / "store", prefix="few_")
        said = []
        for one in (store, attached):
            for name in ("cross_az", "unencrypted", "unanswered"):
                with pytest.raises(QueryError) as caught:
                    getattr(one, name)()
                said.append(str(caught.value).removeprefix("Invalid Input Error: "))
        assert said[:3] == said[3:]
        assert of_duckdb(store.rejects()) == of_spark(attached.rejects())


def test_a_url_that_spark_cannot_read_is_one_plain_error(spark: SparkSession) -> None:
    table = SparkTable("nofs://bucket/lake", {"srcaddr": "VARCHAR"}, ["a.parquet"])
    with pytest.raises(StoreError, match=r"^nofs://bucket/lake: Spark cannot read it \([ -~]*nofs[ -~]*\)$"):
        frame(spark, table)


# ---- views


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_and_the_rows_of_the_store_s(view: str, db: FlowDB, store: SparkStore) -> None:
    expected = of_duckdb(db.sql(f"FROM {view}"))
    assert in_any_order(of_spark(store.sql(f"SELECT * FROM {view}"))) == in_any_order(expected)
    assert expected[2]


def test_a_query_has_parameters_and_counters_have_their_sign(store: SparkStore) -> None:
    found = store.sql(
        "SELECT max(bytes), min(a_new_field) FROM flows WHERE srcaddr = :one", {"one": "10.0.0.1"}
    )
    assert found.collect() == [(2**63 - 1, "x")]
    assert store.sql("SELECT ? + 1 AS two", [1]).collect() == [(2,)]


def test_dates_that_are_not_asked_for_are_not_read(store: SparkStore) -> None:
    asked = store.sql("SELECT count(*) FROM flows WHERE date = DATE '2024-01-15'")
    plan = asked._jdf.queryExecution().toString()
    assert re.search(r"PartitionFilters: \[[^\]]*date#\d+ = 2024-01-15", plan)
    only = store.sql("SELECT * FROM flows WHERE date = DATE '2024-01-15'").inputFiles()
    assert {path.split("date=")[1][:10] for path in only} >= {"2024-01-15"}


# ---- functions

ADDRESSES = [
    *(
        None,
        "",
        "-",
        "x",
        "é",
        "10.0.0.1",
        "10.127.255.255",
        "10.128.0.0",
        "11.0.0.1",
        "172.16.0.1",
        "172.31.9.9",
    ),
    *("172.32.0.1", "192.168.1.1", "100.63.0.1", "100.64.0.1", "100.127.0.1", "100.128.0.1", "100.x.0.1"),
    *(
        "169.254.1.1",
        "127.0.0.1",
        "8.8.8.8",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "10.0.0.1 ",
        "::",
    ),
    *("::1", "0:0:0:0:0:0:0:1", "fe80::1", "FD00::A", "2001:db8::7", "2001:DB8:0:0::7", "2001:db8:8000::"),
    *("::ffff:10.0.0.1", "2001:db8::10.0.0.1", "::ffff:10.0.0.256", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9"),
    *("1::2::3", ":::", "g::1", "12345::", ":1", "1:"),
]
RANGES = [
    *(
        None,
        "0.0.0.0/0",
        "10.0.0.0/7",
        "10.0.0.0/8",
        "10.0.0.0/9",
        "172.16.0.0/12",
        "192.168.1.0/24",
        "8.8.8.8/31",
    ),
    *(
        "8.8.8.8",
        "10.0.0.1/32",
        "::/0",
        "2001:db8::/32",
        "2001:db8::/33",
        "fe80::/10",
        "::1",
        "::ffff:10.0.0.0/104",
    ),
]
PORTS = [None, 0, 22, 53, 80, 443, 1023, 1024, 1025, 5000, 5001, 32767, 32768, 60999, 61000, 61001, 65535]
FLAGS = [None, 0, 1, 2, 16, 18, 19, 63, 255, 4096, -1]
MOMENTS = [None, *(datetime(2024, 1, day, hour, 0, 0, 1) for day, hour in ((14, 23), (15, 0), (16, 12)))]
DAYS = [None, date(2024, 1, 14), date(2024, 1, 15), date(2024, 2, 29)]
STATES = [None, "", "OK", "ok", "NODATA", "nodata", "SkipData", "ACCEPT", "REJECT", "reject", "Reject"]
NUMBERS = [None, 0, 1, 6, 17, 58, 61, 145, 255, -1, 2**31 - 1]
COUNTS = [None, 0, 1, 2**30, 2**63 - 1, -1]
SYSTEMS = ["linux", "LINUX", "windows-xp", "iana", "nat-gateway"]
GIVEN: dict[str, list[list[Any]]] = {
    "day_of_week": [MOMENTS],
    "ephemeral_port": [SYSTEMS, ["first", "last", "ports"]],
    "gigabytes": [COUNTS],
    "in_cidr": [ADDRESSES, RANGES],
    "in_window": [DAYS, MOMENTS, MOMENTS, MOMENTS],
    "ip4_key": [ADDRESSES],
    "ip6_key": [ADDRESSES],
    "ip_family": [ADDRESSES],
    "ip_key": [ADDRESSES],
    "is_answer": [PORTS, PORTS, FLAGS],
    "is_cidr": [[*ADDRESSES, *RANGES, "10.0.0.0/33", "10.0.0.0/08", "::/129", "/8", "10.0.0.1\n"]],
    "is_ephemeral": [PORTS, SYSTEMS],
    "is_nat_gateway": [[None, "nat_gateway", "regional_nat_gateway", "lambda"], [None, "nat-1", "x-nat-1"]],
    "is_private": [ADDRESSES],
    "is_refused": [STATES],
    "is_request": [PORTS, PORTS, FLAGS],
    "is_service": [PORTS],
    "is_traffic": [STATES, COUNTS, [None, "10.0.0.1"]],
    "protocol_name": [NUMBERS],
    "record_moment": [MOMENTS, MOMENTS, DAYS],
    "service_name": [PORTS, [None, 6, 17, 1]],
    "service_port": [PORTS, PORTS],
    "tcp_flag_names": [FLAGS],
    "traffic_path_name": [NUMBERS],
}
ARROW = {
    "BIGINT": pa.int64(),
    "DATE": pa.date32(),
    "INTEGER": pa.int32(),
    "TEXT": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
}


def parameters_of(name: str) -> dict[str, str]:
    """The parameters of a function and their types, as the header of its file has them."""
    lines = (SQL / "functions" / f"{name}.sql").read_text("utf-8").splitlines()
    return dict(line.split()[2:4] for line in lines if line.startswith("-- param: "))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_same_values_in_spark(
    name: str, db: FlowDB, spark: SparkSession, store: SparkStore
) -> None:
    types = parameters_of(name)
    columns = [f"given_{place}" for place, _ in enumerate(types)]
    rows = zip(*product(*GIVEN[name]), strict=True)
    arrays = [pa.array(values, ARROW[kind]) for values, kind in zip(rows, types.values(), strict=True)]
    table = pa.table([pa.array(range(len(arrays[0]))), *arrays], names=["number", *columns])
    db.connection.register("odd_values", table)
    spark.createDataFrame(table).createOrReplaceTempView("odd_values")
    # In DuckDB what has a default is given by its name.
    has_default = name in ("is_ephemeral", "service_name")
    named = [*columns[:-1], f"{list(types)[-1]} := {columns[-1]}"] if has_default else columns
    query = "SELECT {}({}) AS value FROM odd_values ORDER BY number"
    expected = of_duckdb(db.sql(query.format(name, ", ".join(named))))
    assert of_spark(store.sql(query.format(name, ", ".join(columns)))) == expected
    assert len({row[0] for row in expected[2]}) > 1


def test_functions_have_defaults_and_say_what_is_wrong(store: SparkStore) -> None:
    found = store.sql("SELECT is_ephemeral(61000), is_ephemeral(61000, os => 'linux-4.2'), service_name(53)")
    assert found.collect() == [(True, False, "dns")]
    for call, said in {
        "in_cidr(srcaddr, '10.0.0.0/33')": "'10.0.0.0/33' is no range of addresses; expected one such as",
        "is_ephemeral(srcport, 'plan9')": "os is 'plan9'; expected one of: freebsd, iana, linux, linux-4.2,",
    }.items():
        with pytest.raises(Exception, match="USER_RAISED_EXCEPTION") as caught:
            store.sql(f"SELECT count({call}) FROM flows").collect()
        assert said in str(caught.value)


def test_what_a_session_does_not_get_is_part_of_analyses_or_reads_tables() -> None:
    files = {path.stem: path.read_text("utf-8") for path in (SQL / "functions").glob("*.sql")}
    assert set(FUNCTIONS) <= files.keys()
    tables = {name for name, text in files.items() if ") AS TABLE" in text}
    asked = {"dollars_for", "in_group", "name_of", "needs", "refused_from"}
    checks = {name for name in files if name.startswith("check_")} | {"one_of", "has_rollups", "field_if"}
    keys = {"is_key", "key_columns", "key_fields", "keys_of", "known_keys", "metric_fields"}
    parts = {
        *(
            "asks_service",
            "cidr4_octets",
            "cidr4_pattern",
            "cidr_end",
            "cidr_parts",
            "cidr_pattern",
            "cut_bits",
        ),
        *("cut_digit", "in_part_hour", "keeps_target", "part_of", "regularity", "sum_of_two", "touches"),
        # An aggregate, a length of time, a time of any type.
        *("total", "span_us", "bucket_start", "utc"),
    }
    assert files.keys() - set(FUNCTIONS) == tables | asked | checks | keys | parts


# ---- what is attached


def test_the_session_has_to_be_in_utc(spark: SparkSession, db: FlowDB, store: SparkStore) -> None:
    zone = "spark.sql.session.timeZone"
    asked = {
        "Etc/UTC": True,
        "GMT": True,
        "+00:00": True,
        "Z": True,
        "Europe/London": False,
        "+01:00": False,
        "Asia/Tokyo": False,
    }
    try:
        for name, is_taken in asked.items():
            spark.conf.set(zone, name)
            if is_taken:
                store.rejects()
                continue
            said = (
                f"{zone} is '{name}', and flow logs are in UTC; set it with: spark.conf.set('{zone}', 'UTC')"
            )
            for refused in (store.rejects, lambda: attach(spark, db.path)):
                with pytest.raises(UsageError) as caught:
                    refused()
                assert str(caught.value) == said
    finally:
        spark.conf.set(zone, "UTC")


def test_a_prefix_keeps_views_and_functions_apart(
    spark: SparkSession, tmp_path: Path, db: FlowDB, store: SparkStore
) -> None:
    with flowdb.open(tmp_path / "store") as other:
        other.ingest(write_log(tmp_path / "a.log", [HEADER, record()]))
    second = attach(spark, tmp_path / "store", prefix="vpc_")
    one, all_of_them = second.sql("SELECT count(*) FROM vpc_flows"), store.sql("SELECT count(*) FROM flows")
    assert one.collect() == [(1,)]
    assert all_of_them.collect() == db.sql("SELECT count(*) FROM flows").fetchall()
    assert second.sql("SELECT vpc_in_cidr('10.0.0.1', '10.0.0.0/8')").collect() == [(True,)]
    # Whatever a session has for `flows`, methods ask their own store.
    spark.sql("SELECT 1 AS one").createOrReplaceTempView("vpc_flows")
    assert [row.flows for row in second.top_talkers().collect()] == [1]
    with pytest.raises(UsageError, match="prefix is 'a-b'; expected letters, digits and _"):
        attach(spark, tmp_path / "store", prefix="a-b")


def test_only_live_files_of_one_commit_are_read(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "store"
    with flowdb.open(path) as store:
        for number in range(3):
            store.ingest(write_log(tmp_path / f"{number}.log", [HEADER, record(number)]), compact=False)
        store.compact()
        before = attach(spark, path, prefix="before_")
        store.forget(str(tmp_path / "1.log"))
        # A file that no commit has.
        live = next(path.glob("data/*/*.parquet"))
        shutil.copy(live, live.with_name("stray.parquet"))
        after = attach(spark, path, prefix="after_")
        ports = [
            sorted(row.srcport for row in one.sql(f"SELECT srcport FROM {prefix}_flows").collect())
            for one, prefix in ((before, "before"), (after, "after"))
        ]
        assert ports == [[40000, 40001, 40002], [40000, 40002]]


def test_a_live_file_that_is_gone_is_damage_whatever_the_session_passes_over(
    spark: SparkSession, tmp_path: Path
) -> None:
    with flowdb.open(tmp_path / "store") as store:
        store.ingest(write_log(tmp_path / "a.log", [HEADER, record()]))
    (file,) = (tmp_path / "store").glob("data/*/*.parquet")
    spark.conf.set("spark.sql.files.ignoreMissingFiles", "true")
    spark.conf.set("spark.sql.files.ignoreCorruptFiles", "true")
    try:
        attached = attach(spark, tmp_path / "store", prefix="damaged_")
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        with pytest.raises(Exception, match="FAILED_READ_FILE"):
            attached.sql("SELECT * FROM damaged_flows").collect()
        file.unlink()
        with pytest.raises(StoreDamaged, match=rf"{file.name} is not there$"):
            attach(spark, tmp_path / "store", prefix="damaged_")
    finally:
        spark.conf.unset("spark.sql.files.ignoreMissingFiles")
        spark.conf.unset("spark.sql.files.ignoreCorruptFiles")


def test_a_store_of_an_earlier_version_is_read_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parent / "stores" / "catalogue-1.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    (path,) = (one.parent for one in tmp_path.glob("**/catalog.sqlite"))
    catalog = (path / "catalog.sqlite").read_bytes()
    store = attach(spark, path, prefix="old_")
    with flowdb.open(path) as old:
        for view in ("flows", "tgw_flows", "sources", "bad_lines"):
            expected = of_duckdb(old.sql(f"FROM {view}"))
            assert in_any_order(of_spark(store.sql(f"SELECT * FROM old_{view}"))) == in_any_order(expected)
            assert expected[2]
    assert (path / "catalog.sqlite").read_bytes() == catalog


def test_groups_of_the_store_stand_for_their_ranges(spark: SparkSession, tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "store") as store:
        store.ingest(write_log(tmp_path / "a.log", [HEADER, record(), record(1, srcaddr="8.8.8.8")]))
        (tmp_path / "store" / "flowdb.toml").write_text('[groups]\noffice = ["8.8.0.0/16"]\n')
        attached = attach(spark, tmp_path / "store", prefix="grouped_")
        assert ask(attached, "traffic_of", {"addr": "office"}) == of_duckdb(store.traffic_of("office"))


def test_a_lake_is_asked_as_a_store_is(
    spark: SparkSession, tmp_path: Path, db: FlowDB, answers: list[Future[Answer]]
) -> None:
    lake = lake_of(db, str(tmp_path / "lake"))
    store = attach(spark, lake.place.root, prefix="lake_")
    for name in ("top_talkers", "coverage", "formats_seen"):
        assert ask(store, name, given(name)) == answers[NAMES.index(name)].result()
    for view in ("flows", "tgw_flows", "sources", "bad_lines"):
        found = of_spark(store.sql(f"SELECT * FROM lake_{view}"))
        assert in_any_order(found) == in_any_order(of_duckdb(db.sql(f"FROM {view}")))


def test_folders_of_regions_and_accounts_are_columns(spark: SparkSession, tmp_path: Path) -> None:
    lake = small(tmp_path, partition_by=("date", "region", "account_id"))
    regions = ["eu-west-1", None, "a b=%/", "é"]
    folders = ["eu-west-1", "__HIVE_DEFAULT_PARTITION__", "a%20b%3D%25%2F", "%C3%A9"]
    for number, (region, folder) in enumerate(zip(regions, folders, strict=True)):
        partition = {"date": f"2024-01-1{number}", "region": region, "account_id": "001234567890"}
        path = f"date=2024-01-1{number}/region={folder}/account_id=001234567890/f.parquet"
        own: dict[str, list[Any]] = (
            {"region": [region], "account_id": ["001234567890"]} if region == "é" else {}
        )
        lake = added(lake, path, partition, srcaddr=["10.0.0.1"], source_id=[1], **own)
    store = attach(spark, lake.place.root, prefix="cut_")
    found = store.sql("SELECT date, region, account_id FROM cut_flows ORDER BY date").collect()
    assert found == [(date(2024, 1, 10 + n), region, "001234567890") for n, region in enumerate(regions)]


def test_nothing_there_is_told_as_flowdb_tells_it(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="no store here"):
        attach(spark, tmp_path / "nothing")
