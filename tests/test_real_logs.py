"""Logs that nobody here wrote, read by flowdb and by plain Python that shares no code with it."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

import flowdb
from tests import reference
from tests.conftest import ROOT, SAMPLES

pytestmark = pytest.mark.usefixtures("way_of_reading")

DATA = ROOT / "tests" / "data"
TRANSIT_GATEWAY = DATA / "shapes" / "valid_tgw_flow_log.log"
DOCUMENTS = sorted((DATA / "cloudwatch").glob("*.json"))
LOGS = sorted(
    path for path in DATA.rglob("*") if path.is_file() and path.name != "README.md" and path not in DOCUMENTS
)
FOUR = ("version", "interface-id", "srcaddr", "dstaddr")
VIEWS = ("flows", "tgw_flows")
DAY_IN_NAME = date(2021, 9, 2)


def records(db: flowdb.FlowDB, view: str, columns: list[str]) -> list[tuple[object, ...]]:
    """Return the records in a view, as far as these columns go, in one order."""
    listed = ", ".join(f'"{column}"' for column in columns)
    return sorted(db.sql(f"SELECT {listed} FROM {view}").fetchall(), key=repr)


def totals(db: flowdb.FlowDB, view: str = "flows") -> reference.Totals:
    """Return what adds up over the records in a view."""
    rejects = "count(*) FILTER (WHERE action = 'REJECT')" if view == "flows" else "0"
    query = f"SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(packets), 0), {rejects} FROM {view}"
    dates = db.sql(f"SELECT date, count(*) FROM {view} GROUP BY date").fetchall()
    count, size, packets, rejected = db.sql(query).fetchall()[0]
    return reference.Totals(count, size, packets, rejected, dict(dates))


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
    for view, rows in zip(VIEWS, (expected.flows, expected.tgw_flows), strict=True):
        found, wanted = totals(db, view), reference.totals(rows)
        if None in wanted.dates:
            assert (len(found.dates), found.records) == (1, wanted.records)
        else:
            assert found == wanted
        if rows:
            columns = list(rows[0])
            assert records(db, view, columns) == sorted((tuple(row.values()) for row in rows), key=repr)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_document_of_cloudwatch_holds_the_records_of_its_messages(db: flowdb.FlowDB, path: Path) -> None:
    messages = [event["message"] for event in json.loads(path.read_text())["logEvents"]]
    names = reference.DEFAULT if len(messages[0].split()) == 14 else FOUR
    expected = reference.read_bytes("\n".join([" ".join(names), *messages]).encode()).records
    report = db.ingest(path, format="default" if names == reference.DEFAULT else " ".join(FOUR))
    assert (report.records, report.bad_lines) == (len(messages), 0)
    assert records(db, "flows", list(expected[0])) == sorted(
        (tuple(row.values()) for row in expected), key=repr
    )


def test_all_logs_together_add_up_to_the_byte(db: flowdb.FlowDB) -> None:
    report = db.ingest(*LOGS)
    expected = [reference.read(path) for path in LOGS]
    assert report.sources_ingested == len(LOGS)
    assert report.bad_lines == sum(len(one.bad) for one in expected) == 2
    flows = [reference.totals(one.flows) for one in expected]
    tgw_flows = [reference.totals(one.tgw_flows) for one in expected]
    for view, wanted in zip(VIEWS, (flows, tgw_flows), strict=True):
        found = totals(db, view)
        assert found.records == sum(one.records for one in wanted) > 0
        assert found.bytes == sum(one.bytes for one in wanted)
        assert found.packets == sum(one.packets for one in wanted)
        assert found.rejects == sum(one.rejects for one in wanted)
    assert report.records == sum(one.records for one in flows + tgw_flows)


def test_the_samples_add_up_to_the_byte(db: flowdb.FlowDB) -> None:
    db.ingest(SAMPLES)
    expected = [reference.totals(reference.read(path).records) for path in SAMPLES.rglob("*.log.gz")]
    found = totals(db)
    assert found.records == sum(one.records for one in expected) == 12_000
    assert found.bytes == sum(one.bytes for one in expected)
    assert found.packets == sum(one.packets for one in expected)
    assert found.rejects == sum(one.rejects for one in expected)


def test_an_object_in_its_own_key_layout_is_found(db: flowdb.FlowDB) -> None:
    report = db.ingest(DATA / "real" / "s3")
    assert (report.records, report.sources_found) == (99, 1)
    query = "SELECT count(*) FILTER (WHERE action = 'REJECT'), min(date), max(date) FROM flows"
    assert db.sql(query).fetchall() == [(67, DAY_IN_NAME, DAY_IN_NAME)]


def test_a_log_of_a_transit_gateway_never_mixes_with_flows(db: flowdb.FlowDB) -> None:
    report = db.ingest(TRANSIT_GATEWAY)
    assert (report.records, report.failures) == (1, [])
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(0,)]
    query = """
        SELECT date, version, tgw_id, tgw_pair_attachment_id, srcaddr, dstport, bytes, packets_lost_no_route,
            packets_lost_blackhole, packets_lost_mtu_exceeded, packets_lost_ttl_expired, start_time, region
        FROM tgw_flows
    """
    assert db.sql(query).fetchall() == [
        (
            date(2023, 11, 14),
            6,
            "tgw-0abc12345def67890",
            "tgw-attach-0def12345abc67890",
            "10.0.0.1",
            443,
            1000,
            1,
            2,
            3,
            4,
            datetime(2023, 11, 14, 22, 13, 20),
            "us-east-1",
        )
    ]


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
