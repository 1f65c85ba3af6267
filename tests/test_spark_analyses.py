"""A store that Spark asks: every analysis, function and view has the rows that DuckDB gives, on a real cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import flowdb
from flowdb import FlowDB
from tests import cluster
from tests.cases import DELIVERED, NAMES, given, given_log
from tests.cluster import need_spark
from tests.conftest import HEADER, record, write_log
from tests.test_rendering import MORE
from tests.test_tgw import TGW_HEADER, tgw_record

need_spark()

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from flowdb.spark_store import SparkStore

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
ASKED = [*((name, given(name)) for name in NAMES), *MORE]
Answer = tuple[list[str], list[str], list[tuple[Any, ...]]]


def of_duckdb(result: Any) -> Answer:
    return result.columns, [str(kind) for kind in result.types], result.fetchall()


def of_spark(result: DataFrame) -> Answer:
    """The columns of a result, their types in DuckDB's words, and the rows."""
    columns, kinds = zip(*result.dtypes, strict=True)
    rows = result.toArrow().to_pydict().values()
    return list(columns), [TYPES[kind] for kind in kinds], list(zip(*rows, strict=True))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # Nothing is compiled: each question is asked once, of a few rows.
    options = {"spark__sql__codegen__factoryMode": "NO_CODEGEN", "spark__sql__codegen__wholeStage": "false"}
    with (
        cluster.started(tmp_path_factory.mktemp("cluster")) as started,
        cluster.session(started, spark__sql__shuffle__partitions="1", **options) as session,
    ):
        yield session


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """The given logs of all analyses in one store, beside logs of few records, and of odd ones."""
    folder = tmp_path_factory.mktemp("asked") / ODD
    folder.mkdir()
    logs = [Path(shutil.copy(given_log(name), folder / f"{name}.log")) for name in NAMES]
    logs += [
        write_log(folder / "bad.log", [HEADER, record(), "1 2 3", record(1)]),
        write_log(folder / "tgw.log", [TGW_HEADER, tgw_record()]),
        write_log(folder / "new.log", ["start srcaddr bytes a-new-field", "1705312800 10.0.0.1 2 x"]),
        write_log(folder / "largest.log", [HEADER, record(2, bytes=2**63 - 1), record(3, bytes=2**63 - 1)]),
    ]
    for log in logs:
        os.utime(log, (DELIVERED, DELIVERED))
    with flowdb.open(folder / "store") as opened:
        report = opened.ingest(*logs)
        assert (report.sources_ingested, report.bad_lines, report.failures) == (len(logs), 1, [])
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    folder = tmp_path_factory.mktemp("empty")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(write_log(folder / "a.log", [HEADER]))
        yield opened


@pytest.fixture(scope="module")
def attached(spark: SparkSession, db: FlowDB) -> SparkStore:
    from flowdb.spark import attach

    return attach(spark, db.path)


@pytest.fixture(scope="module")
def answers(attached: SparkStore) -> Iterator[list[Future[Answer]]]:
    """What Spark answers to every question, asked two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield [pool.submit(_ask, attached, name, values) for name, values in ASKED]


@pytest.fixture(scope="module")
def nothing(spark: SparkSession, empty: FlowDB) -> Iterator[dict[str, Future[Answer]]]:
    """What Spark answers of a store without records."""
    from flowdb.spark import attach

    store = attach(spark, empty.path, prefix="empty_")
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(_ask, store, name, given(name)) for name in NAMES}


def _ask(store: SparkStore, name: str, values: dict[str, Any]) -> Answer:
    return of_spark(getattr(store, name)(**values))


@pytest.mark.parametrize(
    "number", range(len(ASKED)), ids=[f"{name}-{n}" for n, (name, _) in enumerate(ASKED)]
)
def test_an_analysis_has_the_same_rows_in_spark(
    number: int, db: FlowDB, answers: list[Future[Answer]]
) -> None:
    name, values = ASKED[number]
    expected = of_duckdb(getattr(db, name)(**values))
    assert answers[number].result() == expected
    assert expected[2] or values in ({"cidrs": []},)


@pytest.mark.parametrize("name", NAMES)
def test_so_it_has_of_a_store_without_records(
    name: str, empty: FlowDB, nothing: dict[str, Future[Answer]]
) -> None:
    assert nothing[name].result() == of_duckdb(getattr(empty, name)(**given(name)))


VIEWS = (
    *("flows", "tgw_flows", "sources", "bad_lines", "coverage", "vpc_flow_logs"),
    *("athena_prices", "ephemeral_ranges", "port_groups", "prices", "protocols", "services"),
)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_the_columns_and_the_rows_of_the_store_s(
    view: str, db: FlowDB, attached: SparkStore
) -> None:
    expected, found = of_duckdb(db.sql(f"FROM {view}")), of_spark(attached.sql(f"SELECT * FROM {view}"))
    assert found[:2] == expected[:2]
    assert sorted(found[2], key=repr) == sorted(expected[2], key=repr)
    assert expected[2]
