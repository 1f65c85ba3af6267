"""Hourly sums are those of the records, and whoever asks them gets the answer that the records give."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowdb
from flowdb import FlowDB, hourly
from flowdb.analyses import analyses
from flowdb.catalog import Catalog
from flowdb.disk import checksum
from flowdb.fields import FIELDS, arrow_type
from tests.cases import NAMES, given_log
from tests.cases import given as values_given
from tests.conftest import ROOT, record, write_log

DATA = ROOT / "tests" / "data"

LARGEST = 2**63 - 1
KEYS = (
    "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "action",
    "flow_direction",
)  # fmt: skip
HEADER = (
    "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    " flow-direction"
)
Row = dict[str, Any]
Sums = dict[tuple[Any, ...], tuple[Any, ...]]


def summed(rows: Iterable[Row]) -> Sums:
    """Add records up one by one, as the documentation of the view says."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        status = row["log_status"]
        is_traffic = row["bytes"] is not None or row["srcaddr"] is not None
        if status is not None:
            is_traffic = status.upper() not in ("NODATA", "SKIPDATA")
        if not is_traffic:
            continue
        source, target = row["srcport"], row["dstport"]
        keeps_target = (row["action"] or "").upper() == "REJECT"
        keeps_target |= source is None or (target is not None and target <= source)
        start = row["start_time"]
        hour = None if start is None else start.replace(minute=0, second=0, microsecond=0)
        ports = {"srcport": None if keeps_target else source, "dstport": target if keeps_target else None}
        found.setdefault((hour, *(ports.get(key, row[key]) for key in KEYS)), []).append(row)
    return {key: _sum(several) for key, several in found.items()}


def _sum(rows: list[Row]) -> tuple[Any, ...]:
    counters = [[row[name] for row in rows if row[name] is not None] for name in ("packets", "bytes")]
    starts = [row["start_time"] for row in rows if row["start_time"] is not None]
    packets, size = (min(sum(values), LARGEST) if values else None for values in counters)
    return len(rows), packets, size, min(starts, default=None), max(starts, default=None)


def shown(db: FlowDB) -> Sums:
    """Add the rows of the view up where several have the same keys."""
    names = f"hour, {', '.join(KEYS)}"
    total = "CASE WHEN sum({0}) > {1} THEN {1} ELSE sum({0})::BIGINT END"
    packets, size = (total.format(name, LARGEST) for name in ("packets", "bytes"))
    rows = db.sql(
        f"SELECT {names}, sum(flows)::BIGINT, {packets}, {size}, min(first_start), max(last_start)"
        " FROM hourly GROUP BY ALL"
    ).fetchall()
    return {row[: len(KEYS) + 1]: row[len(KEYS) + 1 :] for row in rows}


def records(db: FlowDB) -> list[Row]:
    result = db.sql("FROM flows")
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]


def companions(db: FlowDB) -> dict[str, list[str]]:
    """Return the live files of sums by the names of the data files whose they are; of those without, none."""
    names = [
        path
        for (path,) in db.sql(
            "SELECT path FROM files WHERE kind IN ('flows', 'hourly') ORDER BY 1"
        ).fetchall()
    ]
    found: dict[str, list[str]] = {
        name.removeprefix("data/"): [] for name in names if name.startswith("data/")
    }
    for name in names:
        if name.startswith("hourly/"):
            folder, _, own = name.removeprefix("hourly/").partition("/")
            found[f"{folder}/{own.split('-of-')[-1]}"].append(name)
    return found


def has_all_sums(db: FlowDB) -> bool:
    return all(len(several) == 1 for several in companions(db).values())


MIXED = f"""{HEADER}
eni-0a 10.0.0.1 10.0.0.2 40000 443 6 1 60 1705312800 1705312830 ACCEPT OK egress
eni-0a 10.0.0.1 10.0.0.2 40001 443 6 2 70 1705316399 1705316430 ACCEPT OK egress
eni-0a 10.0.0.1 10.0.0.2 40001 443 6 2 70 1705316400 1705316430 ACCEPT OK egress
eni-0a 10.0.0.2 10.0.0.1 443 40000 6 3 900 1705312801 1705312830 ACCEPT OK ingress
eni-0a 10.0.0.9 10.0.0.1 22 60000 6 1 40 1705312801 1705312830 REJECT OK ingress
eni-0a 10.0.0.9 10.0.0.1 22 60001 6 1 40 1705312802 1705312830 reject OK ingress
eni-0a 2001:db8::1 2001:db8::2 0 0 58 1 104 1705312803 1705312830 ACCEPT OK ingress
eni-0a - - - - - - - 1705312803 1705312830 - NODATA -
eni-0a - - - - - - - 1705312803 1705312830 - skipdata -
eni-0a 10.0.0.1 10.0.0.2 - 443 6 - - 1705312803 1705312830 ACCEPT - -
- 10.0.0.1 10.0.0.2 80 - 6 5 50 - 1705312830 ACCEPT - -
eni-0b 10.0.0.1 10.0.0.2 123 123 17 9223372036854775807 9223372036854775807 1705399199 1705399200 ACCEPT OK -
eni-0b 10.0.0.1 10.0.0.2 123 123 17 1 1 1705399199 1705399200 ACCEPT OK -
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.log"
    path.write_text(MIXED, encoding="utf-8")
    return path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[FlowDB]:
    with flowdb.open(tmp_path / "flows") as opened:
        yield opened


def test_every_row_of_the_view_is_the_sum_of_its_records(db: FlowDB, log: Path) -> None:
    db.ingest(log, DATA / "real", DATA / "shapes" / "ipv6-and-skipdata.dat")
    assert has_all_sums(db)
    assert shown(db) == summed(records(db))
    assert len(shown(db)) > 100


def test_a_store_without_sums_shows_the_same_in_the_view(db: FlowDB, log: Path) -> None:
    db.ingest(log, rollups=False)
    assert [*companions(db).values()] == [[]] * len(companions(db))
    assert not (db.path / "hourly").exists()
    assert shown(db) == summed(records(db))


FIELD_TYPES = {field.column: arrow_type(field.kind) for field in FIELDS}
COLUMNS = [*KEYS, "packets", "bytes", "start_time", "log_status"]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "srcport": st.sampled_from([0, 22, 443, 40000]),
    "dstport": st.sampled_from([0, 22, 443, 40000]),
    "protocol": st.sampled_from([6, 17]),
    "action": st.sampled_from(["ACCEPT", "REJECT", "reject", "other"]),
    "log_status": st.sampled_from(["OK", "NODATA", "SkipData"]),
    "packets": st.sampled_from([0, 1, 7, LARGEST, LARGEST // 2]),
    "bytes": st.sampled_from([0, 40, LARGEST]),
    "start_time": st.sampled_from([0, 3_599_999, 3_600_000, 1_705_312_800_123, 253_402_300_799_999]),
}
TEXTS = st.sampled_from(["a", "b"])
RECORDS = st.lists(
    st.fixed_dictionaries({name: st.none() | VALUES.get(name, TEXTS) for name in COLUMNS}), max_size=12
)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    rows=RECORDS,
    left_out=st.sets(st.sampled_from(COLUMNS), max_size=3),
    coded=st.booleans(),
    cut=st.integers(0, 12),
)
@pytest.mark.usefixtures("way_of_reading")
def test_sums_are_those_of_records_added_up_one_by_one(
    rows: list[Row], left_out: set[str], coded: bool, cut: int
) -> None:
    columns = {
        name: pa.array([row[name] for row in rows], pa.int64() if name == "start_time" else FIELD_TYPES[name])
        for name in COLUMNS
        if name not in left_out
    }
    if "start_time" in columns:
        columns["start_time"] = columns["start_time"].cast(pa.timestamp("ms"))
    table = pa.table(columns) if columns else pa.table({"bytes": pa.nulls(len(rows), pa.int64())})
    sums, others, again = hourly.Sums(), hourly.Sums(), hourly.Sums()
    first, second = (_coded(part) if coded else part for part in (table.slice(0, cut), table.slice(cut)))
    sums.add(first)
    # What is added up for another file in between is in no one's way.
    others.add(table)
    sums.add(second)
    file = sums.take()
    assert len(sums) == 0
    # Written and read, they are what they were.
    again.add_file(file)
    for same in (again, others):
        assert hourly.spelled(file).equals(hourly.spelled(same.take()))
    expected = summed(
        {
            name: None if name in left_out else _moment(row[name]) if name == "start_time" else row[name]
            for name in COLUMNS
        }
        for row in rows
    )
    assert _read(file) == expected
    assert len(file) == len(expected)


def _coded(table: pa.Table) -> pa.Table:
    """The table with its texts as codes into dictionaries of its own, as a row group has them."""
    columns = [
        column.combine_chunks().dictionary_encode() if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def test_the_sums_of_a_file_of_many_row_groups_are_found_sound(tmp_path: Path) -> None:
    hosts = [f"10.0.{n // 200}.{n % 200}" for n in range(700)]
    # The second half has other hosts than the first, in another order: its codes are others.
    order = [n * 7 % 700 for n in range(250_000)] + [n % 350 + 350 for n in range(250_000)]
    lines = [
        record(n % 1000, srcaddr=hosts[host], start=1_705_312_800 + n % 7000) for n, host in enumerate(order)
    ]
    log = write_log(tmp_path / "a.log", lines)
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(log)
        (path,) = (db.path / "data").rglob("*.parquet")
        assert pq.ParquetFile(path).num_row_groups > 1
        assert db.verify().is_sound
        assert db.sql("SELECT sum(flows) FROM hourly").fetchall() == [(500_000,)]
        db.compact()
        assert db.verify().is_sound


def _moment(milliseconds: int | None) -> datetime | None:
    if milliseconds is None:
        return None
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=rest * 1000)


def _read(file: pa.Table) -> Sums:
    found: Sums = {}
    for row in file.to_pylist():
        first = None if row["hour"] is None else _after(row["hour"], row["first_after"])
        last = None if first is None else _after(first, row["lasting"])
        key = (row["hour"], *(row[name] for name in KEYS))
        found[key] = row["flows"], row["packets"], row["bytes"], first, last
    return found


def _after(moment: datetime, milliseconds: int) -> datetime:
    return moment + timedelta(milliseconds=milliseconds)


WINDOWS: dict[str, dict[str, Any]] = {
    "all": {},
    "whole hours": {"since": "2024-01-15 10:00", "until": "2024-01-15 12:00"},
    "parts of hours": {"since": "2024-01-15 10:00:30", "until": "2024-01-15 12:20"},
    "within an hour": {"since": "2024-01-15 12:00:10", "until": "2024-01-15 12:40"},
    "open": {"since": "2024-01-15 11:59:59.999"},
    "until": {"until": "2024-01-15 12:00:00.001"},
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of the given logs of all analyses and real ones, half of whose files have no sums."""
    folder = tmp_path_factory.mktemp("everything")
    (folder / "mixed.log").write_text(MIXED, encoding="utf-8")
    logs = [
        *map(given_log, NAMES),
        folder / "mixed.log",
        DATA / "real",
        DATA / "shapes" / "ipv6-and-skipdata.dat",
    ]
    with flowdb.open(folder / "flows") as opened:
        for number in range(2):
            opened.ingest(*logs[number::2], rollups=number > 0, compact=False)
        assert {len(several) for several in companions(opened).values()} == {0, 1}
        yield opened


def may_read_sums() -> set[str]:
    """Return the analyses whose SQL, with that of all it names, asks whether sums may be read."""
    words = {
        path.stem: set(re.findall(r"\w+", re.sub(r"--.*", "", path.read_text(encoding="utf-8"))))
        for path in (ROOT / "sql").rglob("*.sql")
    }
    found = {name for name in words if "flowdb_rollups" in words[name]}
    while more := {name for name in words if words[name] & found} - found:
        found |= more
    return found & {*NAMES}


def test_some_analyses_may_read_sums_and_the_others_know_nothing_of_them() -> None:
    assert {"top_talkers", "rejects", "rejected_ports", "accepted_ports"} <= may_read_sums() < {*NAMES}


@pytest.mark.parametrize("name", sorted(may_read_sums()))
def test_every_analysis_answers_from_sums_as_from_records(name: str, everything: FlowDB) -> None:
    known = {parameter.name for parameter in analyses()[name].parameters}
    required = {
        one.name: values_given(name)[one.name] for one in analyses()[name].parameters if one.is_required
    }
    for window in WINDOWS.values():
        values = required | {key: value for key, value in window.items() if key in known}
        if "top" in known:
            values["top"] = None
        answers = []
        for wanted in ("true", "false"):
            everything.sql(f"SET VARIABLE flowdb_rollups = {wanted}")
            answers.append(getattr(everything, name)(**values).fetchall())
        assert answers[0] == answers[1], window


@pytest.mark.parametrize("values", [
    {"by": "pair"}, {"by": "interface_id,action"}, {"by": "ip_family"}, {"by": "protocol", "metric": "flows"},
    {"by": "account_id"}, {"addr": "10.0.0.0/24"}, {"interface_id": "eni-0a"},
    {"protocol": 6, "action": "REJECT"},
    {"others": True, "top": 1}, {"by": "conversation"}, {"by": "dstport"}, {"port": 443}, {"dedup": True},
], ids=str)  # fmt: skip
# Of sums alone, and of sums and the records beside them; the other windows are tried above.
@pytest.mark.parametrize("window", ["all", "parts of hours"])
def test_top_talkers_answers_from_sums_as_from_records_whatever_is_asked(
    values: dict[str, Any], window: str, everything: FlowDB
) -> None:
    answers = []
    for wanted in ("true", "false"):
        everything.sql(f"SET VARIABLE flowdb_rollups = {wanted}")
        answers.append(everything.top_talkers(**values, **WINDOWS[window]).fetchall())
    assert answers[0] == answers[1]


def scanned(db: FlowDB, query: str) -> list[set[str]]:
    """Return the columns that each scan of records or of sums reads, by the plan."""
    plan = db.sql(f"EXPLAIN (FORMAT json) {query}").fetchall()[0][1]
    found: list[set[str]] = []
    waiting = json.loads(plan)
    while waiting:
        node = waiting.pop()
        waiting += node["children"]
        columns = node["extra_info"].get("Projections", [])
        names = {columns} if isinstance(columns, str) else set(columns)
        if node["name"].startswith("READ_PARQUET") and not names & {"layout", "first_start"}:
            found.append(names)
    return found


@pytest.mark.parametrize(
    ("query", "sums", "rows"),
    [
        ("FROM top_talkers()", 1, 0),
        ("FROM top_talkers(\"by\" := 'pair', since := '2024-01-15', until := '2024-01-16')", 1, 0),
        ("FROM top_talkers(since := '2024-01-15 12:30')", 1, 1),
        ("FROM top_talkers(\"by\" := 'conversation')", 0, 1),
        ("FROM rejected_sources()", 1, 0),
        ("FROM rejected_ports()", 1, 0),
        ("FROM rejects_by()", 1, 0),
        ("FROM rejects_by(\"by\" := 'dstport')", 0, 1),
        ("FROM unusual_protocols()", 1, 0),
        ("FROM rejects()", 1, 1),
    ],
)
def test_sums_are_read_where_they_are_enough_and_records_where_not(
    db: FlowDB, log: Path, query: str, sums: int, rows: int
) -> None:
    db.ingest(log)
    scans = scanned(db, query)
    assert (sum("flows" in one for one in scans), sum("flows" not in one for one in scans)) == (sums, rows)


REFUSED = f"""{HEADER}
eni-0a 10.0.0.9 10.0.0.1 40000 22 6 1 40 1705104000 1705104060 REJECT OK ingress
eni-0a 10.0.0.9 10.0.0.1 40001 22 6 1 40 1705190400 1705190460 Reject OK ingress
eni-0a 10.0.0.9 10.0.0.1 40002 22 6 1 40 - 1705190460 REJECT OK ingress
eni-0a 10.0.0.9 10.0.0.1 40003 22 6 1 40 1705276799 1705276860 reject OK ingress
eni-0a 10.0.0.9 10.0.0.1 40004 22 6 1 40 - 1705276800 REJECT OK ingress
eni-0b 10.0.0.9 10.0.0.1 40005 22 6 1 40 1705280400 1705280460 REJECT OK ingress
eni-0a 10.0.0.9 10.0.0.1 40006 22 6 1 40 1705280400 1705280460 ACCEPT OK ingress
"""


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    folder = tmp_path_factory.mktemp("refused")
    (folder / "refused.log").write_text(REFUSED, encoding="utf-8")
    with flowdb.open(folder / "flows") as opened:
        opened.ingest(folder / "refused.log")
        yield opened


@pytest.mark.parametrize(
    ("asked", "date"),
    [
        ("1, NULL, NULL, NULL", "2024-01-15"),
        ("2, NULL, NULL, NULL", "2024-01-15"),
        ("3, NULL, NULL, NULL", "2024-01-14"),
        ("5, NULL, NULL, NULL", "2024-01-14"),
        ("6, NULL, NULL, NULL", "2024-01-13"),
        ("7, NULL, NULL, NULL", "0001-01-01"),
        ("NULL, NULL, NULL, NULL", "0001-01-01"),
        ("2, NULL, NULL, 'eni-0a'", "2024-01-14"),
        ("2, NULL, '2024-01-15 00:30', NULL", "2024-01-14"),
        ("3, '2024-01-14 23:30', NULL, NULL", "2024-01-14"),
        ("4, '2024-01-15', NULL, NULL", "0001-01-01"),
    ],
)
def test_sums_tell_from_which_date_on_enough_was_refused(refused: FlowDB, asked: str, date: str) -> None:
    ((found,),) = refused.sql(f"SELECT refused_from({asked})::VARCHAR").fetchall()
    assert found == date


@pytest.mark.parametrize("top", range(8))
@pytest.mark.parametrize("interface_id", [None, "eni-0a"])
@pytest.mark.parametrize("window", [{}, {"until": "2024-01-15 00:30"}, {"since": "2024-01-14 12:00"}])
def test_rejects_are_the_newest_whatever_the_sums_tell(
    refused: FlowDB, top: int, interface_id: str | None, window: dict[str, Any]
) -> None:
    refused.sql("SET VARIABLE flowdb_rollups = false")
    every = refused.rejects(top=None, interface_id=interface_id, **window).fetchall()
    refused.sql("SET VARIABLE flowdb_rollups = true")
    assert refused.rejects(top=top, interface_id=interface_id, **window).fetchall() == every[:top]


def test_every_verb_leaves_every_data_file_its_sums(db: FlowDB, tmp_path: Path, log: Path) -> None:
    real = sorted((DATA / "real").rglob("*.log*"))
    for one in (log, *real):
        db.ingest(one, compact=False)
    assert has_all_sums(db)
    db.compact()
    assert has_all_sums(db)
    db.forget(str(real[0]))
    assert has_all_sums(db)
    log.write_text(MIXED.replace("443", "8443"), encoding="utf-8")
    db.ingest(log, replace=True)
    assert has_all_sums(db)
    db.prune(before="2024-01-16", keep_rejects="36500d")
    assert has_all_sums(db)
    report = db.verify()
    assert report.findings == []
    assert shown(db) == summed(records(db))
    assert Counter(row["action"] for row in records(db) if str(row["date"]) < "2024-01-16").keys() == {
        "REJECT"
    }
    db.backup(tmp_path / "copy")
    with flowdb.open(tmp_path / "copy") as copy:
        assert has_all_sums(copy)
        assert copy.verify().is_sound


def test_files_without_sums_get_them_when_they_are_compacted(db: FlowDB, log: Path) -> None:
    db.ingest(log, rollups=False)
    db.compact(rollups=False)
    assert not any(companions(db).values())
    report = db.compact()
    assert (report.groups, report.files_summed) == (0, len(companions(db)))
    assert has_all_sums(db)
    assert shown(db) == summed(records(db))
    assert db.compact().commits == 0


def falsified(db: FlowDB) -> Path:
    """Write other sums into a file of them, so that its checksum is right and its sums are not."""
    with sqlite3.connect(db.path / "catalog.sqlite") as connection:
        (name,) = connection.execute("SELECT min(path) FROM files WHERE kind = 'hourly'").fetchone()
        path = db.path / str(name)
        table = pq.ParquetFile(path).read()
        counted = pa.array([number + 1 for number in table["flows"].to_pylist()], pa.int64())
        pq.write_table(table.set_column(table.column_names.index("flows"), "flows", counted), path)
        connection.execute("UPDATE files SET bytes = ?, checksum = ? WHERE path = ?", (*checksum(path), name))
    connection.close()
    return path


def test_sums_that_are_not_those_of_the_records_are_found_and_made_anew(db: FlowDB, log: Path) -> None:
    db.ingest(log)
    path = falsified(db)
    found = [(one.kind, one.path, one.problem) for one in db.verify().findings]
    name = path.relative_to(db.path).as_posix()
    assert ("rollup", name, "its sums are not those of its records") in found
    assert db.verify(repair=True).is_sound
    with flowdb.open(db.path) as again:
        assert has_all_sums(again)
        assert shown(again) == summed(records(again))


@pytest.mark.parametrize("how", ["lost", "cut"])
def test_sums_that_are_lost_or_cut_are_made_anew_and_no_source_is_read_again(
    db: FlowDB, log: Path, how: str
) -> None:
    db.ingest(log)
    path = min((db.path / "hourly").rglob("*.parquet"))
    path.unlink() if how == "lost" else path.write_bytes(path.read_bytes()[:-9])
    (finding,) = db.verify().findings
    assert (finding.kind, finding.path) == ("rollup", path.relative_to(db.path).as_posix())
    report = db.verify(repair=True)
    assert report.is_sound
    assert report.repaired[0] == "the hourly sums of 1 file are made anew"
    assert has_all_sums(db)
    assert db.ingest(log).sources_skipped == 1
    assert shown(db) == summed(records(db))


@pytest.mark.parametrize("list_too", [False, True])
def test_sums_outlive_a_lost_catalogue(tmp_path: Path, log: Path, list_too: bool) -> None:
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(log)
        db.ingest(DATA / "real", compact=False)
        db.compact()
        expected = shown(db)
    (tmp_path / "flows" / "catalog.sqlite").unlink()
    if list_too:
        for path in (tmp_path / "flows" / "meta").glob("*-files.parquet"):
            path.unlink()
    assert flowdb.verify(tmp_path / "flows", repair=True).is_sound
    with flowdb.open(tmp_path / "flows") as db:
        assert has_all_sums(db)
        assert shown(db) == expected == summed(records(db))


def test_companions_of_files_that_go_are_kept_and_removed_with_them(db: FlowDB, log: Path) -> None:
    db.ingest(log)
    before = sorted((db.path / "hourly").rglob("*.parquet"))
    db.compact()
    assert all(path.exists() for path in before)
    catalog = Catalog(db.path / "catalog.sqlite")
    retired = {row.path for row in catalog.retired()}
    catalog.close()
    assert {path.relative_to(db.path).as_posix() for path in before} <= retired
    with flowdb.open(db.path, grace="0s") as again:
        again.ingest(DATA / "real")
    assert not any(path.exists() for path in before)
