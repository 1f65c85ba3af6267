"""Logs that nobody here wrote, read by flowdb and by plain Python that shares no code with it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

import flowdb
from tests import reference
from tests.conftest import ROOT, SAMPLES

pytestmark = pytest.mark.usefixtures("way_of_reading")

DATA = ROOT / "tests" / "data"
TRANSIT_GATEWAY = "valid_tgw_flow_log.log"
LOGS = sorted(
    path for path in DATA.rglob("*") if path.is_file() and path.name not in ("README.md", TRANSIT_GATEWAY)
)
DAY_IN_NAME = date(2021, 9, 2)


def records(db: flowdb.FlowDB, columns: list[str]) -> list[tuple[object, ...]]:
    """Return the records in the store, as far as these columns go, in one order."""
    listed = ", ".join(f'"{column}"' for column in columns)
    return sorted(db.sql(f"SELECT {listed} FROM flows").fetchall(), key=repr)


def totals(db: flowdb.FlowDB) -> reference.Totals:
    """Return what adds up over the records in the store."""
    query = """
        SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(packets), 0),
            count(*) FILTER (WHERE action = 'REJECT')
        FROM flows
    """
    dates = db.sql("SELECT date, count(*) FROM flows GROUP BY date").fetchall()
    records, size, packets, rejects = db.sql(query).fetchall()[0]
    return reference.Totals(records, size, packets, rejects, dict(dates))


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.relative_to(DATA).as_posix())
def test_each_log_reads_as_plain_python_reads_it(db: flowdb.FlowDB, path: Path) -> None:
    expected = reference.read(path)
    report = db.ingest(path)
    assert (report.records, report.bad_lines) == (len(expected.records), len(expected.bad))
    assert [
        row[0] for row in db.sql("SELECT line_number FROM bad_lines ORDER BY 1").fetchall()
    ] == expected.bad
    lines = len(expected.records) + len(expected.bad) + expected.passed
    assert db.sql("SELECT lines FROM sources").fetchall() == [(lines,)]
    if expected.records:
        columns = list(expected.records[0])
        assert records(db, columns) == sorted((tuple(row.values()) for row in expected.records), key=repr)
        found, wanted = totals(db), expected.totals
        if None in wanted.dates:
            assert (len(found.dates), found.records) == (1, wanted.records)
        else:
            assert found == wanted


def test_all_logs_together_add_up_to_the_byte(db: flowdb.FlowDB) -> None:
    report = db.ingest(*LOGS)
    expected = [reference.read(path) for path in LOGS]
    assert report.sources_ingested == len(LOGS)
    assert report.bad_lines == sum(len(one.bad) for one in expected) == 2
    found = totals(db)
    assert found.records == sum(one.totals.records for one in expected) == report.records
    assert found.bytes == sum(one.totals.bytes for one in expected)
    assert found.packets == sum(one.totals.packets for one in expected)
    assert found.rejects == sum(one.totals.rejects for one in expected)


def test_the_samples_add_up_to_the_byte(db: flowdb.FlowDB) -> None:
    db.ingest(SAMPLES)
    expected = [reference.read(path) for path in SAMPLES.rglob("*.log.gz")]
    found = totals(db)
    assert found.records == sum(one.totals.records for one in expected) == 12_000
    assert found.bytes == sum(one.totals.bytes for one in expected)
    assert found.packets == sum(one.totals.packets for one in expected)
    assert found.rejects == sum(one.totals.rejects for one in expected)


def test_an_object_in_its_own_key_layout_is_found(db: flowdb.FlowDB) -> None:
    report = db.ingest(DATA / "real" / "s3")
    assert (report.records, report.sources_found) == (99, 1)
    query = "SELECT count(*) FILTER (WHERE action = 'REJECT'), min(date), max(date) FROM flows"
    assert db.sql(query).fetchall() == [(67, DAY_IN_NAME, DAY_IN_NAME)]


def test_a_log_of_a_transit_gateway_never_mixes_with_flows(db: flowdb.FlowDB) -> None:
    report = db.ingest(DATA / "shapes" / TRANSIT_GATEWAY)
    assert [failure.reason for failure in report.failures] == [
        "its header is that of a transit gateway flow log, which flowdb does not read"
    ]
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(0,)]


def test_the_official_refused_record_reads_as_documented(db: flowdb.FlowDB) -> None:
    db.ingest(DATA / "official" / "accepted-and-rejected.log")
    assert db.rejects().fetchall() == [
        (
            datetime(2014, 12, 14, 4, 6, 50),
            datetime(2014, 12, 14, 4, 7, 50),
            "Sunday",
            "eni-1235b8ca123456789",
            "172.31.9.69",
            49761,
            "172.31.9.12",
            3389,
            6,
            20,
            4249,
        )
    ]


def test_the_official_record_with_two_spaces_is_read(db: flowdb.FlowDB) -> None:
    assert db.ingest(DATA / "official" / "tcp-flags.log").bad_lines == 0
    query = "SELECT srcport, dstport, pkt_srcaddr, tcp_flags, bytes FROM flows WHERE tcp_flags = 19"
    assert db.sql(query).fetchall() == [(5001, 43638, "10.0.0.62", 19, 967)]


def test_the_official_records_of_a_service_have_their_path(db: flowdb.FlowDB) -> None:
    db.ingest(DATA / "official" / "service-and-path.log")
    query = """
        SELECT flow_direction, traffic_path, pkt_src_aws_service, pkt_dst_aws_service, az_id, sublocation_id
        FROM flows ORDER BY ALL
    """
    assert db.sql(query).fetchall() == [
        ("egress", 8, None, "S3", "apse2-az3", None),
        ("ingress", None, "S3", None, "apse2-az3", None),
    ]


def test_nodata_and_skipdata_are_rows_without_numbers(db: flowdb.FlowDB) -> None:
    db.ingest(DATA / "official" / "nodata-and-skipdata.log")
    query = "SELECT log_status, srcaddr, dstport, bytes, action, account_id FROM flows ORDER BY ALL"
    assert db.sql(query).fetchall() == [
        ("NODATA", None, None, None, None, "123456789010"),
        ("SKIPDATA", None, None, None, None, "123456789010"),
    ]
    assert db.top_talkers().fetchall() == []
