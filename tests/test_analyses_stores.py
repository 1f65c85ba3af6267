"""Analyses over stores of several sources, over logs without a key, and with somebody's own prices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
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
    with pytest.raises(duckdb.Error, match=f"{analysis} needs instance-id, a field that no log here has"):
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
