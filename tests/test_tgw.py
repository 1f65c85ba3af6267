"""Logs of transit gateways: records of their own, in files and a view of their own."""

from __future__ import annotations

import json
import shutil
import zlib
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb import analyses
from flowdb.fields import TGW_FIELDS
from tests.conftest import HEADER, data_files, live_files, record, write_log

TGW_HEADER = "version resource-type account-id tgw-id srcaddr bytes start end packets-lost-no-route"
MIDNIGHT = 1_705_363_200


def tgw_record(number: int = 0, start: int = 1_705_312_800) -> str:
    """Return a record under `TGW_HEADER`."""
    return f"6 TransitGateway 001234567890 tgw-1 2001:db8::{number + 1} 1000 {start} {start + 60} {number}"


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Give a folder of a VPC's log, a transit gateway's, and one that is both."""
    folder = tmp_path / "both"
    write_log(folder / "vpc.log", [HEADER, record(0), record(1)])
    write_log(folder / "tgw.log.gz", [TGW_HEADER, tgw_record(0), tgw_record(1, MIDNIGHT)])
    mixed = [HEADER, record(2), TGW_HEADER, tgw_record(2), tgw_record(3), HEADER, record(3), "bad"]
    write_log(folder / "mixed.log", mixed)
    return folder


def test_each_record_lands_on_its_own_side(db: flowdb.FlowDB, both: Path) -> None:
    report = db.ingest(both)
    assert (report.records, report.bad_lines, report.failures) == (8, 1, [])
    query = "SELECT date, account_id, srcaddr, bytes, packets_lost_no_route FROM tgw_flows ORDER BY srcaddr"
    first, second = date(2024, 1, 15), date(2024, 1, 16)
    assert db.sql(query).fetchall() == [
        (first, "001234567890", "2001:db8::1", 1000, 0),
        (second, "001234567890", "2001:db8::2", 1000, 1),
        (first, "001234567890", "2001:db8::3", 1000, 2),
        (first, "001234567890", "2001:db8::4", 1000, 3),
    ]
    assert db.sql("SELECT srcport, sum(bytes) FROM flows GROUP BY ALL ORDER BY ALL").fetchall() == [
        (40_000 + n, 100) for n in range(4)
    ]
    assert db.top_talkers(by="srcaddr").fetchall()[0][:5] == ("10.0.0.1", 4, 4, 400, 1.0)
    by_source = """
        SELECT name, records, (SELECT count(*) FROM tgw_flows AS t WHERE t.source_id = s.source_id)
        FROM sources AS s ORDER BY name
    """
    assert db.sql(by_source).fetchall() == [("mixed.log", 4, 2), ("tgw.log.gz", 2, 2), ("vpc.log", 2, 0)]


def test_the_records_lie_in_a_folder_of_their_own_with_one_schema(db: flowdb.FlowDB, both: Path) -> None:
    write_log(both / "few.log", ["tgw-id srcaddr dstaddr start", "tgw-1 10.0.0.1 10.0.0.2 1705312800"])
    db.ingest(both)
    folders = {Path(path).parent.as_posix() for path in data_files(db.path)}
    assert folders == {
        "data/date=2024-01-15",
        "hourly/date=2024-01-15",
        "tgw/date=2024-01-15",
        "tgw/date=2024-01-16",
        "quarantine",
    }
    found = {tuple(pq.read_schema(path).names) for path in (db.path / "tgw").rglob("*.parquet")}
    assert found == {(*(one.column for one in TGW_FIELDS), "source_id")}
    assert data_files(db.path) == live_files(db)


def test_fields_that_nobody_knows_are_text_columns_of_the_view_that_has_them(
    db: flowdb.FlowDB, both: Path
) -> None:
    lines = ["tgw-id tgw-mood action traffic-path start", "tgw-9 calm ACCEPT 8 1705312800"]
    write_log(both / "new.log", lines)
    write_log(both / "newest.log", ["tgw-weather bytes start", "0042 7 1705312800"])
    db.ingest(both)
    query = "SELECT tgw_id, tgw_mood, action, traffic_path, tgw_weather, bytes FROM tgw_flows"
    assert db.sql(f"{query} WHERE tgw_id = 'tgw-9' OR bytes = 7 ORDER BY ALL").fetchall() == [
        ("tgw-9", "calm", "ACCEPT", "8", None, None),
        (None, None, None, None, "0042", 7),
    ]
    assert {"tgw_mood", "tgw_weather"}.isdisjoint(db.sql("FROM flows").columns)


def test_the_view_is_there_with_its_columns_in_a_store_that_has_none(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    columns = ["date", *(one.column for one in TGW_FIELDS), "source_id"]
    types = ["DATE", *(one.kind.sql_type for one in TGW_FIELDS), "BIGINT"]
    with duckdb.connect(str(db.path / "flowdb.duckdb"), read_only=True) as shell:
        for view in (shell.sql("FROM tgw_flows"), db.sql("FROM tgw_flows")):
            assert view.columns == columns
            assert [str(one) for one in view.types] == types
            assert view.fetchall() == []


def test_flows_is_there_in_a_store_of_a_transit_gateway_alone(db: flowdb.FlowDB, both: Path) -> None:
    db.ingest(both / "tgw.log.gz")
    assert db.sql("FROM flows").fetchall() == []
    assert db.top_talkers().fetchall() == []
    status = db.status()
    facts = dict(zip(status.columns, status.fetchall()[0], strict=True))
    assert (facts["records"], facts["tgw_records"], facts["dates"], facts["files"]) == (0, 2, 2, 2)
    size = sum(path.stat().st_size for path in (db.path / "tgw").rglob("*.parquet"))
    assert (facts["parquet_bytes"], facts["bytes_per_record"]) == (size, round(size / 2, 2))


def test_status_counts_the_two_kinds_apart(db: flowdb.FlowDB, both: Path) -> None:
    db.ingest(both)
    status = db.status()
    facts = dict(zip(status.columns, status.fetchall()[0], strict=True))
    names = ("records", "tgw_records", "sources", "bad_lines", "first_date", "last_date")
    assert [facts[name] for name in names] == [4, 4, 3, 1, date(2024, 1, 15), date(2024, 1, 16)]


def test_a_shell_sees_both_kinds(db: flowdb.FlowDB, both: Path) -> None:
    db.ingest(both)
    with duckdb.connect(str(db.path / "flowdb.duckdb"), read_only=True) as shell:
        query = "SELECT (SELECT count(*) FROM flows), (SELECT sum(bytes)::INT FROM tgw_flows)"
        assert shell.execute(query).fetchall() == [(4, 4000)]


def test_a_generated_file_that_lacks_a_view_is_made_again_when_the_store_is_opened(
    db: flowdb.FlowDB, both: Path
) -> None:
    db.ingest(both)
    with duckdb.connect(str(db.path / "flowdb.duckdb")) as shell:
        shell.execute("DROP VIEW tgw_flows")
    made = db.path / "meta" / "generation.json"
    macros_alone = zlib.crc32("\n".join(analyses.statements()).encode())
    made.write_text(json.dumps(json.loads(made.read_text()) | {"sql": macros_alone}))
    flowdb.open(db.path).close()
    with duckdb.connect(str(db.path / "flowdb.duckdb"), read_only=True) as shell:
        assert shell.execute("SELECT count(*) FROM tgw_flows").fetchall() == [(4,)]


def test_files_of_a_commit_that_never_came_to_be_are_removed(db: flowdb.FlowDB, both: Path) -> None:
    db.ingest(both / "tgw.log.gz")
    kept = sorted(data_files(db.path))
    left = db.path / "tgw" / "date=2024-01-17" / "00000002-00-00001.parquet"
    left.parent.mkdir()
    shutil.copy(db.path / kept[0], left)
    (db.path / "writer.json").write_text("{}")
    db.ingest(both / "vpc.log")
    assert not left.parent.exists()
    assert set(kept) < data_files(db.path) == live_files(db)


def test_a_source_that_turns_out_damaged_leaves_nothing_in_either_view(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    lines = [HEADER, *map(record, range(300)), TGW_HEADER, *map(tgw_record, range(300))]
    path = write_log(tmp_path / "cut.log.gz", lines)
    path.write_bytes(path.read_bytes()[:-40])
    report = db.ingest(path, write_log(tmp_path / "good.log", [TGW_HEADER, tgw_record()]))
    assert (report.records, report.sources_failed) == (1, 1)
    query = "SELECT (SELECT count(*) FROM flows), (SELECT count(*) FROM tgw_flows)"
    assert db.sql(query).fetchall() == [(0, 1)]
    assert data_files(db.path) == live_files(db)


def test_a_record_without_any_time_takes_the_objects(db: flowdb.FlowDB, tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs" / "aws-region=us-east-1" / "year=2025" / "month=11" / "day=30"
    db.ingest(write_log(folder / "a.log", ["tgw-id srcaddr", "tgw-1 10.0.0.1"]))
    assert db.sql("SELECT date, tgw_id FROM tgw_flows").fetchall() == [(date(2025, 11, 30), "tgw-1")]
