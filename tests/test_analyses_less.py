"""Analyses of logs that lack the field of a metric, a key or a filter, and of counters that are damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flowdb import FlowDB
from flowdb.analyses import analyses
from flowdb.errors import QueryError
from tests.cases import NAMES, given, given_log, store_of_logs

LARGEST = 2**63 - 1
# Of an answer that is computed when it is asked for, or when it is fetched.
FAILURES = (QueryError, duckdb.Error)
# A question, and the field that it needs of a log with srcaddr, dstaddr and start alone.
ASKED = [
    ("compare_periods", {}, "bytes"),
    ("compare_periods", {"metric": "packets"}, "packets"),
    ("compare_periods", {"by": "dstport", "metric": "flows"}, "dstport"),
    ("traffic_over_time", {}, "bytes"),
    ("bursts", {}, "bytes"),
    ("top_talkers", {}, "bytes"),
    ("top_talkers", {"metric": "packets"}, "packets"),
    ("top_talkers", {"metric": "flows", "port": 443}, "dstport"),
    ("top_talkers", {"metric": "flows", "action": "REJECT"}, "action"),
    ("top_talkers", {"metric": "flows", "protocol": 6}, "protocol"),
    ("first_seen", {"by": "port"}, "dstport"),
    ("first_seen", {"by": "protocol"}, "protocol"),
    ("first_seen", {"by": "peer,interface_id"}, "interface-id"),
    ("outside_hours", {"by": "dstport"}, "dstport"),
    ("outside_hours", {"by": "srcaddr, interface_id"}, "interface-id"),
    ("traffic_of", {"addr": "10.0.0.0/8", "by": "port"}, "dstport"),
    ("traffic_of", {"addr": "10.0.0.0/8", "by": "action"}, "action"),
    ("late_records", {}, "end"),
    ("log_status", {"by": "interface_id"}, "interface-id"),
    ("log_status", {"interface_id": "eni-0a"}, "interface-id"),
    ("skipped_over_time", {"interface_id": "eni-0a"}, "interface-id"),
    ("duplicate_records", {"interface_id": "eni-0a"}, "interface-id"),
    ("formats_seen", {"interface_id": "eni-0a"}, "interface-id"),
    ("coverage", {"interface_id": "eni-0a"}, "interface-id"),
    ("coverage", {"account_id": "012345678901"}, "account-id"),
]


@pytest.fixture(scope="module")
def less(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    folder = tmp_path_factory.mktemp("less")
    lines = ["srcaddr dstaddr start", "10.0.0.1 10.0.0.2 1705276800", "10.0.0.2 10.0.0.1 1705276801"]
    (folder / "a.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with store_of_logs(folder, folder / "a.log") as db:
        yield db


@pytest.mark.parametrize(("name", "params", "field"), ASKED, ids=str)
def test_a_field_that_a_question_needs_is_named(
    name: str, params: dict[str, object], field: str, less: FlowDB
) -> None:
    with pytest.raises(FAILURES, match=f"{name} needs {field}, a field that no log here has"):
        getattr(less, name)(**params).fetchall()


def test_what_the_fields_are_enough_for_is_answered(less: FlowDB) -> None:
    rows = less.top_talkers(metric="flows").project("srcaddr, flows, bytes").fetchall()
    assert rows == [("10.0.0.1", 1, None), ("10.0.0.2", 1, None)]
    assert len(less.traffic_of("10.0.0.1").fetchall()) == 1
    assert len(less.outside_hours().fetchall()) == 2
    with pytest.raises(FAILURES, match="late_records needs interface-id"):
        db_of_ends(less)


def db_of_ends(less: FlowDB) -> None:
    """Ask by a key that the log lacks, with an end that it has."""
    folder = less.path.parent / "ends"
    folder.mkdir()
    (folder / "b.log").write_text("srcaddr dstaddr start end\n10.0.0.1 10.0.0.2 5 9\n", encoding="utf-8")
    with store_of_logs(folder, folder / "b.log") as db:
        assert len(db.late_records().fetchall()) == 1
        db.late_records(by="interface_id").fetchall()


# ---- damaged counters


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlowDB]]:
    """The given log of each analysis, whose packets and bytes are all the largest that there are."""
    opened = {}
    for name in NAMES:
        folder = tmp_path_factory.mktemp(name)
        header, *lines = given_log(name).read_text(encoding="utf-8").splitlines()
        names = header.split(" ")
        rows = [dict(zip(names, line.split(" "), strict=True)) for line in lines]
        for row in rows:
            row |= {one: str(LARGEST) for one in ("packets", "bytes") if row.get(one, "-") != "-"}
        text = [header, *(" ".join(row.values()) for row in rows)]
        (folder / "a.log").write_text("\n".join(text) + "\n", encoding="utf-8")
        opened[name] = store_of_logs(folder, folder / "a.log")
    yield opened
    for db in opened.values():
        db.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_counters_are_no_failure(name: str, damaged: dict[str, FlowDB]) -> None:
    params = given(name)
    choices = {one.name: one.choices for one in analyses()[name].parameters}
    metrics = [{"metric": one} for one in choices.get("metric", ())] or [{}]
    for metric in metrics:
        answer = getattr(damaged[name], name)(**params | metric).fetchall()
        assert name == "exfiltration" or answer or name in ("beacons", "guess_os")
    if "others" in choices:
        for top in (0, 1, 2):
            rest = getattr(damaged[name], name)(others=True, top=top).project("bytes, packets").fetchall()[-1]
            assert rest == (LARGEST, LARGEST)


def test_a_sum_that_is_too_large_is_the_largest(tmp_path: Path) -> None:
    names = "srcaddr dstaddr srcport dstport packets bytes start end action"
    line = f"10.0.0.1 10.0.0.2 40000 443 1 {LARGEST} 1705276800 1705276860 ACCEPT"
    (tmp_path / "a.log").write_text(f"{names}\n{line}\n{line}\n", encoding="utf-8")
    with store_of_logs(tmp_path, tmp_path / "a.log") as db:
        (row,) = db.traffic_over_time(bucket="1 minute").project("bytes, bits_per_second").fetchall()
        assert row == (LARGEST, pytest.approx(LARGEST * 8 / 60))
        (row,) = db.bursts(bucket="1 minute").project("bytes, mean_bps, peak_bps, p95_bps").fetchall()
        assert row == (LARGEST, *[pytest.approx(LARGEST * 8 / 60)] * 3)
