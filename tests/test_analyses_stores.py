"""Analyses over stores of several sources, over logs without a key, and with somebody's own prices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import QueryError
from tests.cases import given_store
from tests.cells import cells, csv_cells
from tests.conftest import HEADER, record, write_log

SHORT = "interface-id srcaddr dstaddr bytes start end action log-status"
SHELL = Path(sys.executable).parent / "duckdb"
PRICES = (
    "CREATE OR REPLACE TEMP VIEW prices AS SELECT 'nat-gateway' AS item, 'us-east-1' AS region, 'GB' AS unit,"
    " 2.0 AS dollars, DATE '2026-01-01' AS as_of, 'our contract' AS source"
)


def short(number: int) -> str:
    return f"eni-1 10.0.0.{number} 10.0.1.1 100 1705312800 1705312830 ACCEPT OK"


def test_formats_differ_in_fields_that_each_has_alone(db: FlowDB, tmp_path: Path) -> None:
    db.ingest(
        write_log(tmp_path / "a.log", [HEADER, record()]),
        write_log(tmp_path / "b.log", [HEADER, record(1), record(2)]),
        write_log(tmp_path / "c.log", [SHORT, short(1)]),
    )
    others = "account-id dstport packets protocol srcport version"
    found = db.formats_seen().project("fields, version, sources, records, only_here, missing, format")
    assert found.fetchall() == [
        (14, 2, 2, 3, others, None, HEADER),
        (8, None, 1, 1, None, others, SHORT),
    ]


def test_records_of_two_sources_that_are_the_same_are_duplicates_across_sources(
    db: FlowDB, tmp_path: Path
) -> None:
    db.ingest(
        write_log(tmp_path / "a.log", [HEADER, record(), record(1)]),
        write_log(tmp_path / "b.log", [HEADER, record(), record(2), record(2)]),
        write_log(tmp_path / "c.log", [HEADER, record(interface="eni-2")]),
    )
    found = db.duplicate_records().project("part, scope, groups, records, repeated, repeated_bytes, srcport")
    assert found.fetchall() == [
        ("sum", "across sources", 1, 2, 1, 100, None),
        ("sum", "within one source", 1, 2, 1, 100, None),
        ("example", "across sources", 1, 2, 1, 100, 40000),
        ("example", "within one source", 1, 2, 1, 100, 40002),
    ]


@pytest.mark.parametrize("analysis", ["rejects_by", "top_talkers", "bursts", "compare_periods"])
def test_a_key_that_no_log_has_is_named(analysis: str, db: FlowDB, tmp_path: Path) -> None:
    db.ingest(write_log(tmp_path / "a.log", [HEADER, record(action="REJECT")]))
    with pytest.raises(
        (QueryError, duckdb.Error), match=f"{analysis} needs instance-id, a field that no log here has"
    ):
        getattr(db, analysis)(by="srcaddr,instance_id").fetchall()


def test_prices_of_ones_own_count_in_place_of_the_published_ones(tmp_path: Path) -> None:
    with given_store(tmp_path, "nat_traffic") as db:
        query = "SELECT client, bytes, dollars FROM nat_traffic(region := 'us-east-1') WHERE dollars > 0"
        published = db.sql(query).fetchall()
        db.sql(PRICES)
        own = db.sql(query).fetchall()
        assert [(client, size, round(dollars / 0.045 * 2, 4)) for client, size, dollars in published] == own
        assert len(own) > 3
        command = [str(SHELL), "-readonly", "-csv", str(db.path / "flowdb.duckdb"), f"{PRICES}; {query}"]
        shell = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert csv_cells(shell.stdout.splitlines()) == cells(db.sql(query))
    with flowdb.open(tmp_path / "store") as again:
        assert again.sql(query).fetchall() == published


def flow(
    source: str, target: str, at: int, action: str = "ACCEPT", size: int = 100, interface: str = "eni-1"
) -> str:
    """A record of TCP at a second of 2024-01-15, 12:00; a port stands after each address, behind a blank."""
    (source, srcport), (target, dstport) = source.split(), target.split()
    start = NOON + at
    ends = f"{source} {target} {srcport} {dstport} 6"
    return f"2 123456789012 {interface} {ends} 1 {size} {start} {start + 30} {action} OK"


NOON = 1_705_320_000
NEW_DAYS = 86_400


def test_a_window_that_cuts_a_conversation_in_two_does_not_turn_it_around(db: FlowDB, tmp_path: Path) -> None:
    client, server = "9.0.0.1 40000", "10.0.0.5 22"
    lines = [flow(client, server, -2), flow(server, client, 0, "REJECT"), flow(client, server, 2)]
    db.ingest(write_log(tmp_path / "a.log", [HEADER, *lines]))
    told = "verdict, refused, client, client_port, server, server_port"
    whole = db.diagnose_acl().project(told).fetchall()
    assert whole == [("network ACL", "answer", "9.0.0.1", 40000, "10.0.0.5", 22)]
    assert db.diagnose_acl(since="2024-01-15T12:00:00").project(told).fetchall() == whole
    assert db.diagnose_acl(until="2024-01-15T12:00:01").project(told).fetchall() == whole
    # Alone, nobody knows whether there was a request.
    alone = db.diagnose_acl(since="2024-01-15T12:00:00", until="2024-01-15T12:00:01").project(told)
    assert alone.fetchall() == [("security group or network ACL", *whole[0][1:])]


def test_a_port_of_a_client_that_is_a_service_as_well_is_not_exposed(db: FlowDB, tmp_path: Path) -> None:
    host, peer = "10.0.0.5 50000", "203.0.113.9 5228"
    db.ingest(write_log(tmp_path / "a.log", [HEADER, flow(host, peer, 0), flow(peer, host, 1)]))
    assert db.public_exposure().fetchall() == []
    found = db.conversations().project("client, client_port, server, server_port, client_by")
    assert found.fetchall() == [("10.0.0.5", 50000, "203.0.113.9", 5228, "first seen")]


def test_an_ipv6_address_of_an_interface_is_a_host_of_ones_own(db: FlowDB, tmp_path: Path) -> None:
    host = "2600:1f18::5"
    inward = [flow(f"2a00::{n} 40000", f"{host} 22", n) for n in range(1, 4)]
    days = [flow(f"{host} 40000", "2a00::9 443", (day - 5) * NEW_DAYS, size=1000) for day in range(5)]
    much = flow(f"{host} 40000", "2a00::9 443", 0, size=300_000_000)
    db.ingest(write_log(tmp_path / "a.log", [HEADER, *inward, *days, much]))
    exposed = db.public_exposure().project("dstaddr, dstport, sources").fetchall()
    assert exposed == [(host, 22, 3)]
    sent = db.exfiltration().project("srcaddr, bytes, days_before, top_dstaddr").fetchall()
    assert sent == [(host, 300_000_000, 5, "2a00::9")]


def test_a_range_of_all_ipv4_addresses_has_none_of_ipv6(db: FlowDB, tmp_path: Path) -> None:
    lines = [flow("10.0.0.1 40000", "10.0.0.2 443", 0), flow("2600:1f18::2 40000", "2a00::1 443", 0)]
    db.ingest(write_log(tmp_path / "a.log", [HEADER, *lines]))
    found = db.top_talkers(addr="0.0.0.0/0").project("srcaddr").fetchall()
    assert found == [("10.0.0.1",)]
    assert db.top_talkers(addr="::/0").project("srcaddr").fetchall() == [("2600:1f18::2",)]


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-16 02:00:00 Europe/Berlin",
        "2024-07-16T02:00:00+02:00",
        "2024-07-16 02:00:00 +02:00",
        "2024-07-16 02:00:00+02",
        "2024-07-15 20:00:00 America/New_York",
        "2024-07-16 00:00:00Z",
        "2024-07-16 00:00",
        "2024-07-16",
    ],
)
def test_a_moment_with_a_zone_is_one_of_utc(text: str, db: FlowDB, tmp_path: Path) -> None:
    db.ingest(write_log(tmp_path / "a.log", [HEADER, record()]))
    assert db.sql("SELECT utc(?)::VARCHAR", [text]).fetchall() == [("2024-07-16 00:00:00",)]
    assert db.sql(f"SELECT utc('{text}')::VARCHAR").fetchall() == [("2024-07-16 00:00:00",)]


def test_multicast_and_broadcast_do_not_go_to_the_internet(db: FlowDB, tmp_path: Path) -> None:
    targets = ("239.1.1.1 5000", "224.0.0.251 5353", "255.255.255.255 67", "10.0.0.9 443", "8.8.8.8 443")
    lines = [flow("10.0.0.1 40000", target, 0, size=1 << 30) for target in targets]
    db.ingest(write_log(tmp_path / "a.log", [HEADER, *lines]))
    found = db.egress().project("path, bytes, dollars").fetchall()
    assert found == [("public address", 1 << 30, 0.09), ("private address", 4 << 30, None)]
