"""The share of time in which a key is busy, and the rate that it is below for most of the time."""

from __future__ import annotations

from pathlib import Path

import flowdb
from tests.conftest import HEADER, record, write_log


def test_what_is_busy_in_few_buckets_is_idle_below_its_ninety_fifth_percentile(tmp_path: Path) -> None:
    always = [record(number, start=1_705_312_800 + number * 300, bytes=1) for number in range(100)]
    seldom = [
        record(number, start=1_705_312_800 + number * 300, srcaddr="10.0.0.2", bytes=1000)
        for number in range(3)
    ]
    log = write_log(tmp_path / "a.log", [HEADER, *always, *seldom])
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(log)
        rows = db.sql("SELECT srcaddr, busy_buckets, buckets, p95_bps FROM bursts()").fetchall()
    assert rows == [("10.0.0.2", 3, 100, 0.0), ("10.0.0.1", 100, 100, 0.027)]
