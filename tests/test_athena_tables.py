"""Tables of a person's own: CREATE EXTERNAL TABLE over one store, in Python, shells and copies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import DialectError, StoreDamaged
from flowdb.own_tables import TABLES
from tests.conftest import HEADER, ROOT, SAMPLES, Run, record, write_log

DATA = ROOT / "tests" / "data"
GUIDE = Path(__file__).parent / "engines" / "athena-guide.sql"
SHELL = Path(sys.executable).parent / "duckdb"
PATH_REGION = r"vpcflowlogs/([a-z0-9-]+)/"
FOURTEEN = ", ".join(f"c{n} string" for n in range(1, 15))


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of AWS's own examples and the samples, with the tables of the guide."""
    with flowdb.open(tmp_path_factory.mktemp("tables") / "store") as opened:
        opened.ingest(DATA / "official", SAMPLES)
        opened.athena_table(GUIDE.read_text(encoding="utf-8"))
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[FlowDB]:
    """A store of three records."""
    write_log(tmp_path / "a.log", [HEADER, *(record(n, action="REJECT") for n in range(3))])
    with flowdb.open(tmp_path / "store") as opened:
        opened.ingest(tmp_path / "a.log")
        yield opened


def asked(db: FlowDB, query: str) -> list[tuple[Any, ...]]:
    return db.sql(query, dialect="athena").fetchall()


def shell(store: Path, query: str) -> str:
    command = [str(SHELL), "-readonly", "-csv", "-noheader", str(store / "flowdb.duckdb"), query]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.stdout.strip()


def shows(db: FlowDB, table: str) -> list[str]:
    """Return what each column of a table shows."""
    return [row[3] for row in asked(db, f"DESCRIBE {table}")]


# ---- the guide's tables


def test_the_text_table_of_the_guide_has_every_record(declared: FlowDB) -> None:
    fields = "version, account_id, srcaddr, dstport, protocol, bytes, action, tcp_flags, traffic_path, date"
    times = 'start, "end"'
    plain = "epoch(start_time)::BIGINT, epoch(end_time)::BIGINT"
    assert asked(
        declared, f"SELECT {fields}, {times} FROM vpc_flow_logs ORDER BY 1, 2, 3, 4, 5, 6, 11, 12"
    ) == (declared.sql(f"SELECT {fields}, {plain} FROM flows ORDER BY 1, 2, 3, 4, 5, 6, 11, 12").fetchall())
    assert len(declared.sql('FROM "default".vpc_flow_logs').columns) == 30


def test_the_parquet_table_of_the_guide_has_hives_partitions(declared: FlowDB) -> None:
    query = (
        'SELECT "aws-account-id", "aws-service", "aws-region", year, month, day, hour, count(*)'
        " FROM vpc_flow_logs_parquet WHERE year = '2024' GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 6, 7"
    )
    assert (
        asked(declared, query)
        == declared.sql(
            "SELECT account_id, 'vpcflowlogs', 'us-east-1', '2024', '01', strftime(date, '%d'),"
            " strftime(start_time, '%H'), count(*) FROM flows WHERE year(date) = 2024 GROUP BY ALL"
            " ORDER BY 6, 7"
        ).fetchall()
    )


def test_the_projected_table_of_the_guide_has_region_and_day(declared: FlowDB) -> None:
    query = (
        "SELECT region, day, sum(packets) FROM logs.projected WHERE day >= '2021/01/01' AND region IN"
        " ('us-east-1', 'ap-southeast-2') GROUP BY region, day ORDER BY 2"
    )
    assert (
        asked(declared, query)
        == declared.sql(
            f"SELECT coalesce(region, regexp_extract(uri, '{PATH_REGION}', 1)) AS r, strftime(date,"
            f" '%Y/%m/%d'),"
            " sum(packets)::BIGINT FROM flows JOIN sources USING (source_id) WHERE date >="
            " '2021-01-01' AND r <> ''"
            " GROUP BY 1, 2 ORDER BY 2"
        ).fetchall()
    )
    plan = asked(declared, "EXPLAIN SELECT sum(bytes) FROM logs.projected WHERE day = '2024/01/14'")[0][1]
    assert "Scanning Files: 1/" in plan


def test_a_column_that_the_guide_leaves_out_moves_no_other(declared: FlowDB) -> None:
    assert shows(declared, "logs.projected")[20:24] == [
        "field pkt-dstaddr",
        "field az-id",
        "field sublocation-type",
        "field sublocation-id",
    ]


def test_partitions_are_shown_as_athena_shows_them(declared: FlowDB) -> None:
    assert ("region=us-east-1/day=2024/01/15",) in asked(declared, "SHOW PARTITIONS logs.projected")
    assert ("date=2024-01-15",) in asked(declared, "SHOW PARTITIONS vpc_flow_logs")


def test_tables_and_databases_are_listed(declared: FlowDB) -> None:
    names = [("projected",), ("vpc_flow_logs",), ("vpc_flow_logs_parquet",)]
    assert asked(declared, "SHOW TABLES") == names
    assert asked(declared, "SHOW TABLES IN logs 'p*'") == [("projected",)]
    assert asked(declared, "SHOW DATABASES") == [("default",), ("logs",)]
    assert asked(declared, "SHOW CREATE TABLE logs.projected")[0][0].startswith("CREATE EXTERNAL TABLE")


def test_analyses_do_not_see_a_table_that_has_the_name_of_a_view(small: FlowDB) -> None:
    before = small.rejects().fetchall()
    small.athena_table("CREATE EXTERNAL TABLE flows (a int); CREATE EXTERNAL TABLE sources (b int)")
    assert small.rejects().fetchall() == before
    assert small.sql("SELECT count(*), count(DISTINCT srcport) FROM flows").fetchall() == [(3, 3)]
    assert asked(small, "SELECT * FROM flows LIMIT 1") == [(2,)]
    assert small.verify().is_sound


# ---- columns


def test_columns_of_text_are_by_place_whatever_they_are_called(small: FlowDB) -> None:
    small.athena_table(f"CREATE EXTERNAL TABLE t ({FOURTEEN}) ROW FORMAT DELIMITED FIELDS TERMINATED BY ' '")
    assert asked(small, "SELECT * FROM t ORDER BY c6") == [
        tuple(record(n, action="REJECT").split(" ")) for n in range(3)
    ]


def test_places_are_those_of_the_stores_own_format(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", ["dstaddr srcaddr bytes start x-field", "1.1.1.1 2.2.2.2 7 1705312800 odd"])
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(tmp_path / "a.log")
        db.athena_table(
            "CREATE EXTERNAL TABLE t (one string, two string, three int, four bigint, five string)"
        )
        assert asked(db, "SELECT * FROM t") == [("1.1.1.1", "2.2.2.2", 7, 1705312800, "odd")]
        # A field that only this log has is NULL when it is gone.
        db.forget(tmp_path / "a.log")
        assert asked(db, "SELECT * FROM t") == []
        assert db.verify().is_sound


def test_a_column_at_the_place_of_another_field_is_that_field(small: FlowDB) -> None:
    names = HEADER.replace("-", "_").replace("srcaddr dstaddr", "dstaddr srcaddr").split()
    small.athena_table(f"CREATE EXTERNAL TABLE t ({', '.join(f'`{name}` string' for name in names)})")
    assert asked(small, "SELECT DISTINCT dstaddr, srcaddr FROM t") == [("10.0.0.1", "10.0.1.1")]


def test_names_tell_where_no_format_fits(small: FlowDB) -> None:
    small.athena_table(
        "CREATE EXTERNAL TABLE t (numbytes int, sourceaddress string, `Start` timestamp, odd int)"
    )
    assert shows(small, "t") == ["field bytes", "field srcaddr", "field start", "nothing: NULL"]


def test_columns_of_parquet_are_by_name(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (dstport string, bytes double, c3 string) STORED AS PARQUET")
    assert asked(small, "SELECT DISTINCT * FROM t") == [("443", 100.0, None)]


@pytest.mark.parametrize(
    ("column", "properties", "value"),
    [
        ("dt string", "", "2024-01-15"),
        ("`date` date", "", "2024-01-15"),
        ("day string", "", "2024/01/15"),
        ("day string", "'projection.day.format'='yyyy-MM-dd'", "2024-01-15"),
        ("dh string", "'projection.dh.type'='date', 'projection.dh.format'='yyyy/MM/dd/HH'", "2024/01/15/10"),
        ("dt string", "'projection.dt.format'='''d''yyyyMMdd'", "d20240115"),
        ("year int, month int, day int, hour int", "", "2024, 1, 15, 10"),
        ("year string, month string, day string", "", "2024, 01, 15"),
        ("month string, year string", "'projection.month.digits'='1'", "1, 2024"),
        ("account_id string", "", "123456789012"),
        ("`aws-region` string", "", "None"),
        ("accountid bigint", "", "123456789012"),
        ("region_partition string, date_partition string", "", "None, 2024-01-15"),
        ("team string", "'projection.team.type'='enum', 'projection.team.values'='net'", "net"),
        ("whatever string", "", "None"),
    ],
)
def test_partitions_are_computed(column: str, properties: str, value: str, small: FlowDB) -> None:
    names = ", ".join(one.split()[0].replace("`", '"') for one in column.split(", "))
    table = f"CREATE EXTERNAL TABLE t (c1 int) PARTITIONED BY ({column})"
    small.athena_table(f"{table} TBLPROPERTIES ({properties})" if properties else table)
    ((*found,),) = asked(small, f"SELECT DISTINCT {names} FROM t")
    assert ", ".join(map(str, found)) == value


def test_a_partition_that_is_added_tells_the_form_of_its_day(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (c1 int) PARTITIONED BY (dt string)")
    small.athena_table(
        "ALTER TABLE t ADD IF NOT EXISTS PARTITION (dt='20240115') LOCATION 's3://b/20240115/'"
    )
    assert asked(small, "SELECT DISTINCT dt FROM t") == [("20240115",)]


def test_a_table_of_a_transit_gateway(tmp_path: Path) -> None:
    write_log(tmp_path / "tgw.log", ["tgw-id bytes start", "tgw-1 7 1705312800"])
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(tmp_path / "tgw.log")
        db.athena_table(
            "CREATE EXTERNAL TABLE t (gateway string, size int, at bigint) PARTITIONED BY (dt string)"
        )
        assert asked(db, "SELECT * FROM t") == [("tgw-1", 7, 1705312800, "2024-01-15")]


HOSTILE = ['a"b', "a'); DROP TABLE flows; --", "select", "a b", "Ünï", "a.b", "%s", "1st"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(name: str, small: FlowDB) -> None:
    small.athena_table(
        f"CREATE EXTERNAL TABLE `{name}`.`{name}` (`{name}` int) PARTITIONED BY (`p{name}` string)"
    )
    quoted = '"' + name.replace('"', '""') + '"'
    assert asked(small, f"SELECT {quoted} FROM {quoted}.{quoted} AS t LIMIT 1") == [(2,)]
    assert small.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
    assert shell(small.path, f"SELECT count(*) FROM {quoted.lower()}.{quoted.lower()}") == "3"
    assert small.verify().is_sound


# ---- that they stay


def test_tables_are_declared_once_changed_and_dropped(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE IF NOT EXISTS t (c1 int)")
    kept = asked(small, "CREATE EXTERNAL TABLE IF NOT EXISTS t (c1 string)")
    assert kept == [("default.t is there already, declared otherwise; it stays as it is",)]
    with pytest.raises(DialectError, match="declared otherwise; DROP TABLE it first") as no:
        asked(small, "CREATE EXTERNAL TABLE t (c1 string)")
    assert (no.value.line, no.value.column) == (1, 23)
    assert asked(small, "SELECT DISTINCT c1 FROM t") == [(2,)]
    asked(small, "DROP TABLE t; DROP TABLE IF EXISTS t; CREATE EXTERNAL TABLE t (c1 string)")
    assert asked(small, "SELECT DISTINCT c1 FROM t") == [("2",)]
    asked(small, "DROP TABLE t")
    with pytest.raises(DialectError, match="there is no table t"):
        asked(small, "DROP TABLE t")
    assert "does not exist" in shell_error(small.path, "FROM t")


@pytest.mark.parametrize(
    "again", ["CREATE EXTERNAL TABLE t (c1\nint) -- same", "CREATE EXTERNAL TABLE if not exists t (c1 int)"]
)
def test_the_same_declaration_again_does_nothing(again: str, small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (c1 int)")
    before = (small.path / TABLES).read_bytes()
    assert asked(small, again) == [("nothing needs doing: default.t is declared so already",)]
    assert (small.path / TABLES).read_bytes() == before


def test_what_a_declaration_says_in_vain_is_noted(small: FlowDB, run: Run) -> None:
    ddl = (
        "CREATE EXTERNAL TABLE t (c1 int COMMENT 'x') COMMENT 'y' PARTITIONED BY (dt string)"
        " CLUSTERED BY (c1) SORTED BY (c1 ASC) INTO 4 BUCKETS"
        " ROW FORMAT DELIMITED FIELDS TERMINATED BY ' ' ESCAPED BY '\\' LINES TERMINATED BY '\n'"
        " STORED AS TEXTFILE LOCATION 's3://b/' TBLPROPERTIES ('skip.header.line.count'='1', 'owner'='me')"
    )
    done = run("athena-table", "-", "--store", str(small.path), "-o", "csv", input=ddl)
    assert done.stdout.splitlines()[1:] == [
        "default.t,c1,INTEGER,field version",
        "default.t,dt,VARCHAR,time as yyyy-MM-dd",
    ]
    assert done.stderr == (
        "flowdb: note: default.t: nothing comes of COMMENT, CLUSTERED BY, LOCATION, the property owner here\n"
    )


def test_a_serde_of_json_tells_the_names_of_columns(small: FlowDB) -> None:
    small.athena_table(
        "CREATE EXTERNAL TABLE t (a string, b int, bytes bigint)"
        " ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
        " WITH SERDEPROPERTIES ('mapping.a'='srcAddr', 'mapping.b'='dstport')"
    )
    assert shows(small, "t") == ["field srcaddr", "field dstport", "field bytes"]


# ---- views


def test_a_view_stays_in_the_store_as_tables_do(small: FlowDB, tmp_path: Path) -> None:
    small.athena_table(
        "CREATE EXTERNAL TABLE logs.flow (version int, account string, eni string, source string)"
    )
    made = asked(
        small,
        "CREATE VIEW logs.seen AS SELECT source, count(*) AS n, max(from_unixtime(start)) AS last"
        " FROM flow JOIN vpc_flow_logs ON contains('10.0.0.0/8', cast(source AS ipaddress)) GROUP BY 1;"
        " CREATE OR REPLACE VIEW twice AS SELECT source, 2 * n AS n, last FROM seen",
    )
    assert made == [("default.twice is a view: it shows what its query gives whenever it is asked",)]
    assert asked(small, "SELECT source, n, to_iso8601(last) FROM twice") == [
        ("10.0.0.1", 18, "2024-01-15T10:00:00.000Z")
    ]
    assert (
        shell(small.path, 'SELECT n FROM "default".twice')
        == shell(small.path, "SELECT 2 * n FROM seen")
        == "18"
    )
    write_log(tmp_path / "b.log", [HEADER, record(9)])
    small.ingest(tmp_path / "b.log")
    assert asked(small, "SELECT n FROM logs.seen") == [(16,)]
    assert small.verify().is_sound
    small.backup(tmp_path / "copy")
    with flowdb.open(tmp_path / "copy") as copy, flowdb.open(tmp_path / "copy", sandbox=True) as guarded:
        assert asked(copy, "SELECT n FROM twice") == asked(guarded, "SELECT n FROM twice") == [(32,)]
        assert copy.verify().is_sound


def test_views_are_listed_replaced_and_dropped(small: FlowDB) -> None:
    asked(
        small,
        "CREATE VIEW v AS SELECT srcport FROM vpc_flow_logs; CREATE VIEW w AS SELECT srcport AS p FROM v",
    )
    assert asked(small, "SHOW VIEWS") == [("v",), ("w",)]
    assert asked(small, "SHOW TABLES") == [("v",), ("vpc_flow_logs",), ("w",)]
    assert asked(small, "DESCRIBE w") == [("p", "integer", "", "a column of its query")]
    assert asked(small, "SHOW CREATE VIEW w") == [("CREATE VIEW w AS SELECT srcport AS p FROM v",)]
    again = "CREATE VIEW v AS SELECT srcport FROM vpc_flow_logs"
    assert asked(small, again) == [("nothing needs doing: default.v is that query already",)]
    for statement, place, what in [
        (
            "CREATE VIEW v AS SELECT 1 AS a",
            13,
            "default.v is there already, declared otherwise; DROP VIEW it first",
        ),
        ("CREATE OR REPLACE VIEW v AS SELECT p AS srcport FROM w", 24, "default.v would ask itself"),
        (
            "CREATE EXTERNAL TABLE v (a int)",
            23,
            "default.v is there already, declared otherwise; DROP VIEW it first",
        ),
        ("DROP VIEW v", 11, "default.w asks it; DROP VIEW default.w first"),
        ("DROP TABLE v", 12, "default.v is a view"),
    ]:
        with pytest.raises(DialectError) as refused:
            asked(small, statement)
        assert (refused.value.reason, refused.value.column) == (what, place)
    asked(small, "CREATE OR REPLACE VIEW v AS SELECT dstport AS srcport FROM vpc_flow_logs")
    assert asked(small, "SELECT DISTINCT p FROM w") == [(443,)]
    asked(small, "DROP VIEW w; DROP VIEW v; DROP VIEW IF EXISTS v")
    assert asked(small, "SHOW VIEWS") == []
    assert small.verify().is_sound


def test_a_table_of_a_query_is_a_view_of_it(small: FlowDB, tmp_path: Path) -> None:
    made = asked(
        small,
        "CREATE TABLE refused WITH (format = 'PARQUET', external_location = 's3://b/p/') AS"
        " (SELECT * FROM vpc_flow_logs WHERE action = 'REJECT') WITH DATA",
    )
    what = "it shows what its query gives whenever it is asked"
    assert made == [(f"default.refused is made as a view of its query, and nothing is written: {what}",)]
    write_log(tmp_path / "b.log", [HEADER, record(9), record(10, action="REJECT")])
    small.ingest(tmp_path / "b.log")
    assert asked(small, "SELECT count(*) FROM refused") == [(4,)]
    kept = asked(small, "CREATE TABLE IF NOT EXISTS refused AS SELECT 1")
    assert kept == [("default.refused is there already; it stays as it is",)]
    asked(small, "DROP TABLE refused")
    assert asked(small, "SHOW TABLES") == [("vpc_flow_logs",)]


def test_a_view_that_does_not_fit_the_store_any_more_hides_nothing_else(tmp_path: Path) -> None:
    write_log(tmp_path / "a.log", ["srcaddr start x-field", "2.2.2.2 1705312800 odd"])
    write_log(tmp_path / "b.log", [HEADER, record(1)])
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(tmp_path / "a.log", tmp_path / "b.log")
        asked(
            db, "CREATE VIEW odd AS SELECT x_field FROM flows; CREATE VIEW even AS SELECT srcaddr FROM flows"
        )
        assert asked(db, "SELECT count(x_field) FROM odd") == [(1,)]
        db.forget(tmp_path / "a.log")
        assert asked(db, "SELECT * FROM even") == [("10.0.0.1",)]
        with pytest.raises(DialectError, match="odd") as refused:
            asked(db, "SELECT * FROM odd")
        assert refused.value.column == 15
        assert shell(db.path, "SELECT * FROM even") == "10.0.0.1"
        assert db.verify().is_sound
        db.ingest(tmp_path / "a.log")
        assert asked(db, "SELECT count(x_field) FROM odd") == [(1,)]


def shell_error(store: Path, query: str) -> str:
    command = [str(SHELL), "-readonly", str(store / "flowdb.duckdb"), query]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr


def test_of_two_tables_of_one_name_the_last_or_that_of_the_database_in_use_is_meant(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE a.t (c1 int); CREATE EXTERNAL TABLE b.t (c1 int, c2 string)")
    assert small.sql("SELECT * FROM t LIMIT 1", dialect="athena").columns == ["c1", "c2"]
    assert small.sql("USE a; SELECT * FROM t LIMIT 1", dialect="athena").columns == ["c1"]
    assert small.sql("SELECT a.t.c1 FROM a.t LIMIT 1", dialect="athena").columns == ["c1"]
    asked(small, "DROP DATABASE b CASCADE")
    assert small.sql("SELECT * FROM t LIMIT 1", dialect="athena").columns == ["c1"]


def test_results_outlive_a_table_that_is_declared_after_them(small: FlowDB) -> None:
    result = small.sql("SELECT count(*) FROM flows")
    small.athena_table("CREATE EXTERNAL TABLE t (c1 int)")
    assert result.fetchall() == [(3,)]
    assert asked(small, "SELECT count(*) FROM t") == [(3,)]


def test_tables_stay_through_another_ingest_a_backup_and_a_move(small: FlowDB, tmp_path: Path) -> None:
    small.athena_table("CREATE EXTERNAL TABLE logs.vpc_flow_logs (one int) PARTITIONED BY (dt string)")
    write_log(tmp_path / "b.log", [HEADER, record(9)])
    small.ingest(tmp_path / "b.log")
    query = "SELECT count(*), min(dt) FROM logs.vpc_flow_logs"
    assert asked(small, query) == [(4, "2024-01-15")]
    assert shell(small.path, query) == "4,2024-01-15"
    small.backup(tmp_path / "copy")
    assert shell(tmp_path / "copy", query) == "4,2024-01-15"
    shutil.move(tmp_path / "copy", tmp_path / "moved")
    with flowdb.open(tmp_path / "moved") as moved:
        assert asked(moved, query) == [(4, "2024-01-15")]
        assert asked(moved, "SELECT count(*) FROM vpc_flow_logs") == [(4,)]
        assert moved.verify().is_sound
    assert shell(tmp_path / "moved", query) == "4,2024-01-15"
    with flowdb.open(small.path) as again:
        assert asked(again, query) == [(4, "2024-01-15")]


def test_tables_are_there_where_the_file_is_attached(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE logs.t (c1 int) PARTITIONED BY (region string)")
    import duckdb

    with duckdb.connect() as other:
        other.execute(f"ATTACH '{small.path / 'flowdb.duckdb'}' AS f (READ_ONLY)")
        assert other.sql("SELECT count(*), min(region) FROM f.logs.t").fetchall() == [(3, None)]
        assert other.sql("SELECT count(*) FROM f.t").fetchall() == [(3,)]


def test_damaged_declarations_are_told_and_hide_nothing_else(small: FlowDB) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (c1 int)")
    (small.path / TABLES).write_text("{", encoding="utf-8")
    assert small.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
    assert [one.kind for one in small.verify().findings if one.path == TABLES] == ["tables"]
    with pytest.raises(StoreDamaged, match=TABLES):
        small.athena_table("CREATE EXTERNAL TABLE u (c1 int)")


def test_a_writer_that_died_leaves_the_old_tables(small: FlowDB, monkeypatch: pytest.MonkeyPatch) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (c1 int)")

    def die(point: str) -> None:
        if point == "tables.written":
            raise KeyboardInterrupt

    monkeypatch.setattr("flowdb.own_tables.reached", die)
    with pytest.raises(KeyboardInterrupt):
        small.athena_table("CREATE EXTERNAL TABLE u (c1 int)")
    assert asked(small, "SHOW TABLES") == [("t",), ("vpc_flow_logs",)]
    assert not list(small.path.glob(f".{TABLES}*"))


def test_the_command_takes_a_file(small: FlowDB, run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.sql").write_text("CREATE EXTERNAL TABLE t (c1 int) -- nothing more\n;", encoding="utf-8")
    done = run("athena-table", "t.sql", "--store", str(small.path), "-o", "csv")
    assert (done.returncode, done.stdout) == (
        0,
        "table,column,type,shows\ndefault.t,c1,INTEGER,field version\n",
    )
    done = run("athena-table", "-", "--store", str(small.path), input="CREATE EXTERNAL TABLE u (c1 what)")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == ["CREATE EXTERNAL TABLE u (c1 what)", f"{' ' * 28}^"]


WRITES = "COPY (SELECT 1) TO '{}'; --"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("v", {"query": f"SELECT 1 AS a; {WRITES}"}),
        ("t", {"database": "main"}),
        ("t", {"view": f"flows; {WRITES}"}),
        ("t", {"name": 5}),
        (
            "t",
            {
                "columns": [
                    {"name": "a", "type": f"BIGINT) FROM main.flows AS records; {WRITES}", "field": "version"}
                ]
            },
        ),
        ("t", {"columns": [{"name": "a", "type": "VARCHAR", "pattern": f"yyyy'); {WRITES}"}]}),
        ("t", {"columns": [{"name": "a", "type": "VARCHAR", "part": "else"}]}),
    ],
)
@pytest.mark.parametrize("sandbox", [False, True])
def test_declarations_that_somebody_changed_run_nothing(
    name: str, changed: dict[str, object], sandbox: bool, small: FlowDB, tmp_path: Path
) -> None:
    small.athena_table("CREATE EXTERNAL TABLE t (a int); CREATE VIEW v AS SELECT 1 AS a")
    written = tmp_path / "written"
    told = json.loads((small.path / TABLES).read_text("utf-8"))
    next(one for one in told["tables"] if one["name"] == name).update(changed)
    (small.path / TABLES).write_text(json.dumps(told).replace("{}", str(written)), encoding="utf-8")
    with flowdb.open(small.path, sandbox=sandbox) as other:
        assert other.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
    assert not written.exists()


def test_declarations_nested_without_end_are_damaged_ones(small: FlowDB) -> None:
    (small.path / TABLES).write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(StoreDamaged, match=TABLES):
        small.athena_table("CREATE EXTERNAL TABLE u (c1 int)")
