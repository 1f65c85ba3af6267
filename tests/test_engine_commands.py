"""The commands for other engines: queries of analyses, and the tables that they ask."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

import flowdb
from flowdb.athena import split
from flowdb.cli import main
from flowdb.errors import ExitCode, UsageError
from flowdb.external_tables import ddl
from flowdb.fields import FIELDS
from flowdb.lake import create_lake
from flowdb.rendering import render
from tests.conftest import HEADER, data_files, record, write_log


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command writes to standard output."""
    assert main([*words]) == ExitCode.OK
    return capsys.readouterr().out


def test_a_parameter_is_given_by_name_or_as_the_analysis_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    named = [
        "--param",
        "addr=10.0.0.0/8",
        "--param",
        "by=port",
        "--param",
        "top=all",
        "--param",
        "dedup=false",
    ]
    own = ["10.0.0.0/8", "--by", "port", "--top", "all", "--no-dedup"]
    text = printed(capsys, "render", "traffic-of", *named, "--dialect", "spark", "--table", "vpc.flows")
    assert text == printed(capsys, "render", "traffic_of", *own, "--dialect", "spark", "--table", "vpc.flows")
    values = {"addr": "10.0.0.0/8", "by": "port", "top": None, "dedup": False}
    assert text == f"{render('traffic_of', values, dialect='spark', table='vpc.flows')}\n"


def test_lists_and_times_are_read_as_options_read_them(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--param", "ports=22,3389", "--param", "since=2024-01-15", "--param", "threshold=all"]
    text = printed(capsys, "render", "port_probes", *words)
    values = {"ports": [22, 3389], "since": "2024-01-15", "threshold": None}
    assert text == f"{render('port_probes', values)}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "no analysis 'nothing'"),
        (("rejects", "--param", "top"), "'top' is no parameter such as top=3"),
        (("rejects", "--top", "3", "--param", "top=4"), "rejects: top is given twice"),
        (("rejects", "--param", "top=3", "--param", "top=4"), "rejects: top is given twice"),
        (("rejected-ports", "--interface-id", "a\udcffb"), "an argument is not UTF-8."),
        (("rejects", "--param", "top=\udcff"), "a parameter is not UTF-8."),
        (
            ("rejects", "--table", "vpc.Sources"),
            "table is 'vpc.Sources', which is the name of the table of sources",
        ),
        (("rejects", "--param", "colour=1"), "rejects: no parameter 'colour'"),
        (("rejects", "--colour", "1"), "No such option"),
        (("top-talkers", "--param", "by=colour"), "top_talkers: by is 'colour'; expected one of"),
        (("traffic-of",), "traffic_of: addr is not given"),
        (("rejects", "--table", "a b"), "table is 'a b'; expected a name such as flows or vpc.flows"),
    ],
)
def test_what_cannot_be_rendered_is_a_sentence(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", *words]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_the_tables_of_athena_project_their_dates(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "ddl", "--location", "s3://my-bucket/flowdb/", "--table", "vpc.flows")
    records, sources = (one.text for one in split(text))
    assert records.startswith(
        "CREATE EXTERNAL TABLE IF NOT EXISTS vpc.flows (\n  `version` int,\n  `account_id` string,\n"
    )
    assert records.endswith("""
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://my-bucket/flowdb/data/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2015-06-01,NOW+1DAYS',
  'projection.date.interval' = '1',
  'projection.date.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/flowdb/data/date=${date}/'
)""")
    assert (
        sources
        == """\
CREATE EXTERNAL TABLE IF NOT EXISTS vpc.sources (
  `source_id` bigint,
  `uri` string,
  `name` string,
  `size` bigint,
  `delivered` timestamp,
  `fingerprint` string,
  `layout` string,
  `lines` bigint,
  `records` bigint,
  `bad_lines` bigint,
  `raw_bytes` bigint,
  `first_start` timestamp,
  `last_start` timestamp,
  `commit_id` bigint
)
STORED AS PARQUET
LOCATION 's3://my-bucket/flowdb/sources/'"""
    )


def test_the_tables_of_trino_and_spark_have_the_date_last() -> None:
    trino, spark = (ddl(one, "s3://my-bucket/flowdb") for one in ("trino", "spark"))
    assert (
        """
  "source_id" bigint,
  "date" date
)
WITH (
  external_location = 's3://my-bucket/flowdb/data/',
  format = 'PARQUET',
  partitioned_by = ARRAY['date']
);
"""
        in trino
    )
    assert '  "start_time" timestamp(3),\n' in trino
    assert (
        """
  `source_id` bigint,
  `date` date
)
USING parquet
PARTITIONED BY (`date`)
LOCATION 's3://my-bucket/flowdb/data/';

ALTER TABLE flows RECOVER PARTITIONS;

CREATE TABLE IF NOT EXISTS sources (
"""
        in spark
    )
    assert "  `start_time` timestamp_ntz,\n" in spark


def test_a_table_has_every_column_of_the_files(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.log", [HEADER, record()])
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(log)
        text = db.ddl("s3://my-bucket/flowdb")
    columns = {line.split("`")[1] for line in text.partition(")")[0].splitlines() if line.startswith("  `")}
    (path,) = (path for path in data_files(tmp_path / "store") if path.startswith("data/"))
    assert {*pq.read_schema(tmp_path / "store" / path).names} <= columns
    assert columns == {*(field.column for field in FIELDS), "source_id"}


def test_a_lake_is_made_known_by_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ddl", "--lake", "--location", "s3://my-bucket/lake/", "--table", "vpc.flows"]
    athena, trino, spark = (printed(capsys, *words, "--dialect", one) for one in ("athena", "trino", "spark"))
    assert (
        athena
        == """\
CREATE EXTERNAL TABLE IF NOT EXISTS vpc.flows
LOCATION 's3://my-bucket/lake/flows/'
TBLPROPERTIES ('table_type' = 'DELTA');

CREATE EXTERNAL TABLE IF NOT EXISTS vpc.sources
LOCATION 's3://my-bucket/lake/sources/'
TBLPROPERTIES ('table_type' = 'DELTA');
"""
    )
    assert (
        trino
        == """\
CALL delta.system.register_table(
  schema_name => 'vpc',
  table_name => 'flows',
  table_location => 's3://my-bucket/lake/flows'
);

CALL delta.system.register_table(
  schema_name => 'vpc',
  table_name => 'sources',
  table_location => 's3://my-bucket/lake/sources'
);
"""
    )
    assert (
        spark
        == """\
CREATE TABLE IF NOT EXISTS vpc.flows
USING delta
LOCATION 's3://my-bucket/lake/flows';

CREATE TABLE IF NOT EXISTS vpc.sources
USING delta
LOCATION 's3://my-bucket/lake/sources';
"""
    )
    for dialect, text in (("athena", athena), ("spark", spark)):
        parsed = sqlglot.parse(text, read=dialect)
        assert [(one.key, one.find(exp.Table).sql()) for one in parsed if one] == [  # type: ignore[union-attr]
            ("create", "vpc.flows"),
            ("create", "vpc.sources"),
        ]


@pytest.mark.parametrize(
    ("table", "catalog", "schema"),
    [("flows", "delta", "default"), ("vpc.flows", "delta", "vpc"), ("lakes.vpc.flows", "lakes", "vpc")],
)
def test_trino_is_told_catalog_and_schema(table: str, catalog: str, schema: str) -> None:
    text = ddl("trino", "s3://b/lake", table, of_lake=True)
    assert text.startswith(f"CALL {catalog}.system.register_table(\n  schema_name => '{schema}',\n")


def test_the_tables_of_a_lake_have_the_columns_of_an_uploaded_stores(tmp_path: Path) -> None:
    lake = create_lake(tmp_path / "lake")
    spelled = {"long": "bigint", "integer": "int"}
    made = [
        one for one in sqlglot.parse(ddl("spark", "s3://b/x"), read="spark") if one and one.find(exp.Schema)
    ]
    for table, statement in zip(("flows", "sources"), made, strict=True):
        kinds = {one.name: json.loads(one.type.to_json()) for one in lake.table(table).schema().fields}
        columns = {name: spelled.get(kind, kind) for name, kind in kinds.items()}
        told = {one.name: one.args["kind"].sql("spark").lower() for one in statement.find_all(exp.ColumnDef)}
        assert {name: kind for name, kind in columns.items() if name != "modified"} == told


def test_a_place_or_a_name_that_is_none_is_an_error() -> None:
    for dialect, location, table in [
        ("athena", "my bucket", "flows"),
        ("athena", "s3://a'b", "flows"),
        ("athena", "/srv/flows", "flows"),
        ("athena", "s3://a", "flows;"),
        ("athena", "s3://a", "sources"),
        ("spark", "s3://a", "vpc.sources"),
        ("oracle", "s3://a", "flows"),
    ]:
        with pytest.raises(UsageError, match="expected"):
            ddl(dialect, location, table)


@pytest.mark.parametrize(
    ("table", "plain", "backquoted"),
    [
        ("select", '"select"', "`select`"),
        ("1abc", '"1abc"', "`1abc`"),
        ("vpc.2024flows", 'vpc."2024flows"', "vpc.`2024flows`"),
        ("lake.vpc.flows", "lake.vpc.flows", "lake.vpc.flows"),
    ],
)
def test_a_name_is_quoted_as_the_engine_has_it(table: str, plain: str, backquoted: str) -> None:
    made = {one: ddl(one, "s3://a", table).splitlines()[0] for one in ("athena", "trino", "spark")}
    assert made == {
        "athena": f"CREATE EXTERNAL TABLE IF NOT EXISTS {backquoted} (",
        "trino": f"CREATE TABLE IF NOT EXISTS {plain} (",
        "spark": f"CREATE TABLE IF NOT EXISTS {backquoted} (",
    }
    assert f"ALTER TABLE {backquoted} RECOVER PARTITIONS;" in ddl("spark", "s3://a", table)
    for engine, name in (("athena", plain), ("trino", plain), ("spark", backquoted)):
        assert f"FROM {name} AS flows" in render("rejects", dialect=engine, table=table)
