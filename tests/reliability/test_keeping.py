"""The verbs that keep a store in order: what each changes, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb import encoding, ordering, partitions, tiers
from flowdb.catalog import Catalog
from flowdb.errors import NotAStore, SourceChanged, SourceNotFound, StoreDamaged, StoreMissing, UsageError
from flowdb.prune import Keep
from flowdb.quantities import age
from flowdb.rows import QUARANTINE
from flowdb.verification import verify
from tests.conftest import HEADER, Run, data_files, record, write_log
from tests.reliability.states import left_over, seen_by_python, seen_by_shell
from tests.reliability.test_faults import write_logs

NOON, MIDNIGHT, DAY = 1_705_312_800, 1_705_363_200, 86_400
_SCANNED = r"Row Groups Scanned: (\d+ / \d+)"
FIRST, SECOND = date(2024, 1, 15), date(2024, 1, 16)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Give three logs of flows of two dates, with bad lines, and two of transit gateways."""
    write_logs(tmp_path / "logs")
    return tmp_path / "logs"


@pytest.fixture
def db(tmp_path: Path, logs: Path) -> Iterator[flowdb.FlowDB]:
    """Give a store into which these logs came one by one."""
    with flowdb.open(tmp_path / "flows") as opened:
        for path in sorted(logs.iterdir()):
            opened.ingest(path)
        yield opened


def data(db: flowdb.FlowDB) -> list[tuple[Any, ...]]:
    """Return kind, date and number of rows of every file, and whether it is sorted."""
    return db.sql(
        "SELECT kind, date, records, is_sorted FROM files"
        " WHERE kind NOT IN ('sources', 'commits', 'hourly') ORDER BY ALL"
    ).fetchall()


def live(db: flowdb.FlowDB) -> set[str]:
    """Return the paths of all files that the newest commit has."""
    with closing(Catalog(db.path / "catalog.sqlite")) as catalog:
        return {row.path for row in catalog.files()}


def dates(db: flowdb.FlowDB) -> list[tuple[Any, ...]]:
    """Return the dates of the flows, with the number of each action."""
    return db.sql("SELECT date, action, count(*) FROM flows GROUP BY ALL ORDER BY ALL").fetchall()


def test_compaction_changes_no_row_and_leaves_one_sorted_file_for_each_date(db: flowdb.FlowDB) -> None:
    before = seen_by_python(db.path)
    report = db.compact()
    assert seen_by_python(db.path) == seen_by_shell(db.path) == before
    assert data(db) == [
        ("flows", "2024-01-15", 15, True),
        ("flows", "2024-01-16", 9, True),
        ("quarantine", "", 3, True),
        ("tgw", "2024-01-15", 8, True),
    ]
    assert (report.groups, report.files_before, report.files_after, report.records) == (4, 11, 4, 35)
    assert report.bytes_after < report.bytes_before
    assert verify(db.path).is_sound


def in_order(row: dict[str, Any], seen_at: str) -> list[tuple[bool, Any]]:
    """Return by what the rows of a compacted file are sorted, where none of its addresses is seldom seen."""
    ports = [row[name] for name in ("srcport", "dstport") if row[name] is not None]
    keys = (row[seen_at], row["end_time"], min(ports, default=None))
    return [(key is None, key) for key in keys]


def test_compacted_files_are_in_the_order_of_their_dataset(db: flowdb.FlowDB) -> None:
    db.compact()
    seen_at = {"flows": "interface_id", "tgw": "tgw_attachment_id"}
    for path, kind in db.sql("SELECT path, kind FROM files WHERE is_sorted").fetchall():
        rows = pq.read_table(db.path / path).to_pylist()
        if kind == QUARANTINE:
            keys = [[(False, row[name]) for name in ("source_id", "source", "line_number")] for row in rows]
        else:
            keys = [in_order(row, seen_at[kind]) for row in rows]
        assert len(keys) > 1
        assert keys == sorted(keys)


def test_many_rows_of_a_date_are_sorted_by_a_part_of_the_day_first(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROW_GROUP", 13)
    monkeypatch.setattr(ordering, "_IN_ONE_PART", 1)
    db.ingest(
        write_log(tmp_path / "day.log", [record(n, start=MIDNIGHT - DAY + 3600 * n) for n in range(24)])
    )
    rows = db.sql("FROM flows ORDER BY ALL").fetchall()
    db.compact()
    assert db.sql("FROM flows ORDER BY ALL").fetchall() == rows
    (path,) = db.sql("SELECT path FROM files WHERE is_sorted AND date = '2024-01-15'").fetchall()[0]
    found = pq.read_table(db.path / path).to_pylist()
    assert len(found) == 39
    keys = [(row["start_time"].hour // 8, *in_order(row, "interface_id")) for row in found]
    assert keys == sorted(keys)
    assert {part for part, *_ in keys} == {0, 1, 2}


def test_a_row_group_has_no_addresses_that_are_seldom_seen_but_those_of_its_own_bucket(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ROW_GROUP", 32)
    peers = [f"203.0.113.{n}" for n in range(40)]
    lines = []
    for n in range(240):
        peer = peers[n % 40]
        line = record(n, start=MIDNIGHT + 60 * n, srcaddr=peer, interface=f"eni-{n % 3}")
        lines.append(line.replace(f"{peer} 10.0.1.1", f"10.0.1.1 {peer}") if n % 80 < 40 else line)
    db.ingest(write_log(tmp_path / "peers.log", lines))
    rows = db.sql("FROM flows ORDER BY ALL").fetchall()
    db.compact()
    assert db.sql("FROM flows ORDER BY ALL").fetchall() == rows
    (path,) = db.sql("SELECT path FROM files WHERE is_sorted AND date = '2024-01-16'").fetchall()[0]
    with pq.ParquetFile(db.path / path) as file:
        groups = [file.read_row_group(number).to_pylist() for number in range(file.num_row_groups)]
    assert max(map(len, groups)) <= 32
    buckets: list[set[str]] = []
    for group in groups:
        outside = {row[name] for row in group for name in ("srcaddr", "dstaddr")} & set(peers)
        if buckets and buckets[-1] & outside:
            buckets[-1] |= outside
        else:
            buckets.append(outside)
    assert len(buckets) > 2
    assert sorted(peer for bucket in buckets for peer in bucket) == sorted(peers)


def test_of_a_compacted_file_only_what_may_have_an_address_is_read(db: flowdb.FlowDB) -> None:
    db.compact()
    (path,) = db.sql("SELECT path FROM files WHERE is_sorted AND date = '2024-01-15'").fetchall()[0]
    present = pq.read_table(db.path / path)["srcaddr"][0].as_py()
    scanned = [_row_groups(db.path / path, address) for address in (present, "203.0.113.77")]
    if scanned[0] is None:
        pytest.skip("this DuckDB does not tell how many row groups it reads")
    assert scanned == (["1 / 1", "0 / 1"] if encoding.has_filters() else ["1 / 1", "1 / 1"])
    ((_, plan),) = db.sql("EXPLAIN ANALYZE FROM flows_of('203.0.113.77')").fetchall()
    both = re.findall(_SCANNED, plan)
    assert both == (["0 / 2", "0 / 2"] if encoding.has_filters() else ["2 / 2", "2 / 2"])


def _row_groups(path: Path, address: str) -> str | None:
    """Return how many row groups of a file DuckDB reads for an address, of how many."""
    with duckdb.connect() as connection:
        ((_, plan),) = connection.execute(
            f"EXPLAIN ANALYZE SELECT * FROM read_parquet('{path}') WHERE srcaddr = '{address}'"
        ).fetchall()
    found = re.search(_SCANNED, plan)
    return found and found[1]


def test_a_second_compaction_does_nothing(db: flowdb.FlowDB) -> None:
    db.compact()
    before = sorted(db.path.rglob("*")), db.history().fetchall()
    report = db.compact()
    assert (report.groups, report.commits, report.files_before) == (0, 0, 0)
    assert (sorted(db.path.rglob("*")), db.history().fetchall()) == before


def test_files_of_other_columns_stay_apart(db: flowdb.FlowDB, tmp_path: Path) -> None:
    lines = ["version account-id srcaddr start end new-field", f"2 1 10.9.9.9 {NOON} {NOON} x"]
    db.ingest(write_log(tmp_path / "new.log", lines))
    db.compact()
    found = db.sql(
        "SELECT kind, date, count(*) FROM files WHERE is_sorted GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert ("flows", "2024-01-15", 2) in found
    assert db.sql("SELECT new_field FROM flows WHERE srcaddr = '10.9.9.9'").fetchall() == [("x",)]


def test_an_ingest_compacts_a_date_that_has_too_many_files_and_only_if_it_may(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    for n in range(30):
        path = write_log(tmp_path / "more" / f"{n}.log", [record(500 + n)])
        assert db.ingest(path, compact=False).files_compacted == 0
    assert len([row for row in data(db) if row[:2] == ("flows", "2024-01-15")]) == 33
    before = seen_by_python(db.path)
    db.forget(path)
    report = db.ingest(path)
    assert report.files_compacted >= 30
    assert len([row for row in data(db) if row[:2] == ("flows", "2024-01-15")]) <= 16
    assert seen_by_python(db.path) == before


@pytest.mark.parametrize(("few", "files"), [(2, 1), (1, 2)])
def test_a_date_to_which_some_commits_added_nothing_has_one_file_if_it_has_few_records(
    few: int, files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "_FEW_RECORDS", few)
    monkeypatch.setattr(tiers, "_QUIET_COMMITS", 5)
    quiet = [record(n, start=NOON) for n in range(2)]
    busy = [record(n, start=MIDNIGHT + 60 * n) for n in range(2, 7)]
    with flowdb.open(tmp_path / "flows") as db:

        def files_of_first_day() -> int:
            return len([row for row in data(db) if row[1] == str(FIRST)])

        for n, line in enumerate([*quiet, *busy]):
            db.ingest(write_log(tmp_path / f"{n}.log", [line]))
            if line != busy[-1]:
                assert files_of_first_day() == min(n + 1, 2)
        assert files_of_first_day() == files
        assert len(db.sql("FROM flows").fetchall()) == 7


def test_retired_files_stay_for_the_grace_period_and_no_longer(db: flowdb.FlowDB, logs: Path) -> None:
    db.compact()
    retired = db.status().fetchall()[0][db.status().columns.index("retired_bytes")]
    assert retired > 0
    lying = set(db.path.rglob("*.parquet"))
    db.ingest(logs / "a.log")
    assert set(db.path.rglob("*.parquet")) == lying
    with flowdb.open(db.path, grace="0s") as other:
        other.ingest(logs / "a.log")
    assert left_over(db.path, retired=False) == []
    assert db.status().fetchall()[0][db.status().columns.index("retired_bytes")] == 0


def test_a_pruning_takes_dates_before_midnight_and_not_after(db: flowdb.FlowDB, tmp_path: Path) -> None:
    edge = [record(800, start=MIDNIGHT - 1), record(801, start=MIDNIGHT), record(802, start=MIDNIGHT - DAY)]
    db.ingest(write_log(tmp_path / "edge.log", edge))
    report = db.prune(before="2024-01-16")
    assert [(one.date, one.records, one.kept) for one in report.dates] == [("2024-01-15", 15 + 1 + 1 + 8, 0)]
    assert dates(db) == [(SECOND, "ACCEPT", 1), (SECOND, "REJECT", 9)]
    assert db.sql("SELECT min(start_time) >= '2024-01-16' FROM flows").fetchall() == [(True,)]
    assert db.sql("SELECT count(*) FROM tgw_flows").fetchall() == [(0,)]
    assert seen_by_shell(db.path) == seen_by_python(db.path)
    assert verify(db.path).is_sound


@pytest.mark.parametrize(
    "before", ["2024-01-16", date(2024, 1, 16), datetime(2024, 1, 16, 23, 59, tzinfo=UTC), "2024-01-16 12:00"]
)
def test_a_time_stands_for_its_date(db: flowdb.FlowDB, before: Any) -> None:
    assert db.prune(before=before).dates[0].date == "2024-01-15"
    assert dates(db) == [(SECOND, "REJECT", 9)]


def test_what_is_to_be_kept_is_counted_from_today(db: flowdb.FlowDB) -> None:
    today = datetime(2024, 1, 20, 0, 0, 1, tzinfo=UTC)
    assert Keep.of(None, timedelta(days=4), None, None, now=today).first == SECOND
    assert Keep.of(date(2024, 1, 17), timedelta(days=4), None, None, now=today).first == date(2024, 1, 17)
    assert Keep.of(date(2024, 1, 1), timedelta(days=4), None, None, now=today).first == SECOND
    age = datetime.now(UTC).date() - SECOND
    assert db.prune(keep=age).records == 23
    assert dates(db) == [(SECOND, "REJECT", 9)]


def test_sources_that_were_pruned_are_not_read_again_and_their_bad_lines_are_gone(
    db: flowdb.FlowDB, tmp_path: Path, logs: Path
) -> None:
    old = write_log(tmp_path / "old" / "old.log", [record(900, start=NOON - DAY), "bad"])
    db.ingest(old)
    report = db.prune(before="2024-01-15")
    assert (report.records, report.bad_lines) == (1, 1)
    assert db.sql("SELECT count(*) FROM bad_lines WHERE source LIKE '%old.log'").fetchall() == [(0,)]
    assert db.sql("SELECT count(*) FROM bad_lines").fetchall() == [(3,)]
    report_again = db.ingest(old, logs)
    assert (report_again.sources_skipped, report_again.commit) == (6, None)
    report = db.prune(before="2024-01-17")
    assert (report.records, report.bad_lines) == (32, 3)
    assert seen_by_python(db.path)["flows"] == seen_by_python(db.path)["bad_lines"] == []
    assert len(seen_by_python(db.path)["sources"]) == 6
    assert db.ingest(logs).commit is None


def test_a_dry_pruning_says_the_same_and_changes_nothing(db: flowdb.FlowDB) -> None:
    before = seen_by_python(db.path), sorted(db.path.rglob("*")), db.history().fetchall()
    dry = db.prune(before="2024-01-16", keep_rejects="20000d", dry_run=True)
    assert (seen_by_python(db.path), sorted(db.path.rglob("*")), db.history().fetchall()) == before
    wet = db.prune(before="2024-01-16", keep_rejects="20000d")
    assert dry.dates == wet.dates
    assert (dry.records, dry.bad_lines, dry.commit) == (wet.records, wet.bad_lines, None)
    assert wet.commit == db.history().fetchall()[0][0]


def test_refused_flows_may_be_kept_longer(db: flowdb.FlowDB) -> None:
    whole = seen_by_python(db.path)["flows"]
    report = db.prune(before="2024-01-17", keep_rejects="20000d")
    assert (report.records, report.kept_rejects) == (15 + 8, 9)
    kept = seen_by_python(db.path)["flows"]
    assert kept == [row for row in whole if "REJECT" in row]
    assert db.prune(before="2024-01-17", keep_rejects="20000d").commit is None
    db.compact()
    assert db.prune(before="2024-01-17", keep_rejects="20000d").commit is None
    assert seen_by_python(db.path)["flows"] == kept
    assert db.prune(before="2024-01-17").records == 9
    assert dates(db) == []


def test_a_store_is_made_small_enough_but_for_its_newest_date(db: flowdb.FlowDB, tmp_path: Path) -> None:
    for n in range(3):
        db.ingest(
            write_log(tmp_path / f"{n}.log", [record(k, start=NOON + DAY * (3 + n)) for k in range(50)])
        )
    sizes = db.sql(
        "SELECT date, sum(bytes)::BIGINT FROM files WHERE kind IN ('flows', 'hourly', 'tgw')"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert len(sizes) == 5
    total = sum(size for _, size in sizes)
    assert db.prune(max_size=total).commit is None
    report = db.prune(max_size=total - 1)
    assert [one.date for one in report.dates] == [sizes[0][0]]
    assert report.parquet_bytes == total - sizes[0][1]
    report = db.prune(max_size=sizes[3][1] + sizes[4][1])
    assert [one.date for one in report.dates] == [sizes[1][0], sizes[2][0]]
    db.prune(max_size=0)
    assert db.sql("SELECT DISTINCT date::VARCHAR FROM flows").fetchall() == [(sizes[4][0],)]


def test_a_pruning_must_be_told_what_to_take(db: flowdb.FlowDB) -> None:
    nothing: list[dict[str, Any]] = [{}, {"keep_rejects": "90d"}, {"dry_run": True}]
    for values in nothing:
        with pytest.raises(UsageError, match="say what to prune"):
            db.prune(**values)
    wrong: list[dict[str, Any]] = [
        {"before": "soon"},
        {"keep": "long"},
        {"max_size": "x"},
        {"keep": "9999999w"},
    ]
    for values in wrong:
        with pytest.raises(UsageError):
            db.prune(**values)


@pytest.mark.parametrize("how", ["path", "text", "uri", "relative", "folder", "pattern", "home"])
def test_sources_are_forgotten_by_any_of_their_names(
    db: flowdb.FlowDB, logs: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.chdir(logs)
    monkeypatch.setenv("HOME", str(logs))
    uri = db.sql("SELECT uri FROM sources WHERE name = 'a.log'").fetchall()[0][0]
    names: dict[str, Any] = {
        "path": logs / "a.log",
        "text": str(logs / "a.log"),
        "uri": uri,
        "relative": "a.log",
        "folder": logs,
        "pattern": f"{logs}/[ab].log*",
        "home": "~/a.log",
    }
    gone = {"folder": {"a.log", "b.log.gz", "c.log", "tgw.log", "tgw2.log"}, "pattern": {"a.log", "b.log.gz"}}
    before = seen_by_python(db.path)
    (logs / "a.log").rename(logs / "moved")  # it need not be there any more
    report = db.forget(names[how])
    forgotten = gone.get(how, {"a.log"})
    after = seen_by_python(db.path)
    assert report.sources == len(forgotten)
    for view, rows in before.items():
        assert after[view] == [row for row in rows if Path(str(row[0])).name not in forgotten]
    assert report.records == len(before["flows"] + before["tgw_flows"]) - len(
        after["flows"] + after["tgw_flows"]
    )
    assert report.bad_lines == len(before["bad_lines"]) - len(after["bad_lines"])
    assert seen_by_shell(db.path) == after
    assert verify(db.path).is_sound


def test_a_forgotten_source_is_new_when_it_is_ingested_again(db: flowdb.FlowDB, logs: Path) -> None:
    before = seen_by_python(db.path)
    last = db.sql("SELECT max(source_id) FROM sources").fetchall()[0][0]
    db.forget(logs / "tgw2.log", logs / "a.log")
    assert db.ingest(logs).sources_ingested == 2
    assert seen_by_python(db.path) == before
    assert db.sql("SELECT count(*) FROM sources WHERE source_id > ?", [last]).fetchall() == [(2,)]


def test_a_name_that_no_source_has_forgets_nothing(db: flowdb.FlowDB, logs: Path) -> None:
    before = seen_by_python(db.path)
    for name in ("nothing.log", f"{logs}/z*", "s3://bucket/key.log", f"{logs}/a", "*"):
        with pytest.raises(SourceNotFound, match="no source of this name is in the store"):
            db.forget(logs / "a.log", name)
    with pytest.raises(UsageError, match="name a source"):
        db.forget()
    assert seen_by_python(db.path) == before


def test_a_source_that_grew_is_refused_and_replaced_if_it_is_to_be(db: flowdb.FlowDB, logs: Path) -> None:
    path = logs / "a.log"
    before = seen_by_python(db.path)
    path.write_text(f"{path.read_text()}{record(999)}\nworse\n")
    (failure,) = db.ingest(path).failures
    assert isinstance(failure, SourceChanged)
    assert " it grew from " in str(failure)
    assert str(failure).endswith("the store has it as it was, and takes it anew with --replace")
    assert seen_by_python(db.path) == before
    report = db.ingest(logs, replace=True)
    assert (report.sources_replaced, report.sources_ingested, report.sources_skipped) == (1, 1, 4)
    assert (report.records, report.bad_lines) == (9, 2)
    after = seen_by_python(db.path)
    others = [row for row in before["flows"] if not str(row[0]).endswith("/a.log")]
    assert [row for row in after["flows"] if not str(row[0]).endswith("/a.log")] == others
    assert len(after["flows"]) == len(before["flows"]) + 1
    assert len(after["bad_lines"]) == len(before["bad_lines"]) + 1
    commit = db.history().fetchall()[0]
    assert commit[3:9] == (1, 9, 2, 1, 8, 1)
    assert db.ingest(logs, replace=True).commit is None
    assert verify(db.path).is_sound


def test_a_source_of_the_same_size_is_replaced_too(db: flowdb.FlowDB, logs: Path) -> None:
    path = logs / "c.log"
    path.write_text(path.read_text().replace("10.0.0.1", "10.0.0.9"))
    os.utime(path, (NOON, NOON))
    (failure,) = db.ingest(path).failures
    assert "it changed since it was ingested" in str(failure)
    assert db.ingest(path, replace=True).sources_replaced == 1
    assert db.sql("SELECT srcaddr, count(*) FROM flows GROUP BY ALL ORDER BY ALL").fetchall() == [
        ("10.0.0.1", 16),
        ("10.0.0.9", 8),
    ]


def test_a_source_that_cannot_be_read_any_more_stays_as_it_was(db: flowdb.FlowDB, logs: Path) -> None:
    before = seen_by_python(db.path)
    path = logs / "b.log.gz"
    path.write_bytes(path.read_bytes()[:-20])
    (logs / "a.log").write_text(f"{(logs / 'a.log').read_text()}{record(999)}\n")
    report = db.ingest(logs, replace=True)
    assert [Path(failure.source).name for failure in report.failures] == ["b.log.gz"]
    assert report.sources_replaced == 1
    after = seen_by_python(db.path)
    assert [row for row in after["flows"] if str(row[0]).endswith("b.log.gz")] == [
        row for row in before["flows"] if str(row[0]).endswith("b.log.gz")
    ]
    assert len(after["flows"]) == len(before["flows"]) + 1


def test_a_source_that_was_pruned_comes_back_if_it_is_replaced(db: flowdb.FlowDB, logs: Path) -> None:
    db.prune(before="2024-01-16")
    path = logs / "a.log"
    path.write_text(f"{path.read_text()}{record(999)}\n")
    db.ingest(path, replace=True)
    assert dates(db) == [(FIRST, "ACCEPT", 6), (SECOND, "REJECT", 9)]
    assert verify(db.path).is_sound


def test_a_backup_is_a_store_that_goes_on_by_itself(db: flowdb.FlowDB, tmp_path: Path, logs: Path) -> None:
    db.compact()
    copy = tmp_path / "copies" / "one"
    report = db.backup(copy)
    assert report.commit == 6
    assert report.bytes == sum((copy / path).stat().st_size for path in live(db))
    before, files = seen_by_python(db.path), live(db)
    assert report.files == len(files)
    assert seen_by_shell(copy) == before
    shutil.rmtree(db.path)
    assert seen_by_python(copy) == seen_by_shell(copy) == before
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*.parquet")} == files
    assert left_over(copy, retired=False) == []
    assert verify(copy).is_sound
    with flowdb.open(copy) as other:
        assert other.ingest(logs).commit is None
        assert other.ingest(write_log(tmp_path / "z.log", [record(77)])).commit == 7


def test_a_backup_is_one_commit_while_a_writer_goes_on(db: flowdb.FlowDB, tmp_path: Path) -> None:
    write = (
        "import sys, flowdb, pathlib\n"
        "from tests.conftest import record, write_log\n"
        "with flowdb.open(sys.argv[1]) as db:\n"
        "    for n in range(1000):\n"
        "        lines = [record(k, start=1705312800 + n) for k in range(10)]\n"
        "        db.ingest(write_log(pathlib.Path(sys.argv[2], f'{n}.log'), lines))\n"
        "        print(n, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", write, str(db.path), str(tmp_path / "more")], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        for n in range(4):
            writer.stdout.readline()
            copy = tmp_path / f"copy{n}"
            report = db.backup(copy)
            with flowdb.open(copy) as other:
                assert other.history().fetchall()[0][0] == report.commit
            assert verify(copy).is_sound
            assert len(seen_by_python(copy)["flows"]) % 10 == 4
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.communicate()


def test_a_backup_needs_a_folder_of_its_own(db: flowdb.FlowDB, tmp_path: Path, logs: Path) -> None:
    for target, reason in (
        (logs, "it is not empty"),
        (logs / "a.log", "it is not empty"),
        (db.path, "inside the store itself"),
        (db.path / "backup", "inside the store itself"),
    ):
        with pytest.raises(NotAStore, match=reason):
            db.backup(target)
    (tmp_path / "empty").mkdir()
    db.backup(tmp_path / "empty")
    assert seen_by_python(tmp_path / "empty") == seen_by_python(db.path)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_store_is_not_copied(db: flowdb.FlowDB, tmp_path: Path, damage: str) -> None:
    path = max(db.path.glob("data/*/*.parquet"))
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    for target in (tmp_path / "copy", tmp_path / "empty"):
        if target.name == "empty":
            target.mkdir()
        reason = "is missing" if damage == "gone" else "is not as it was written"
        with pytest.raises(StoreDamaged, match=rf"its file {path.relative_to(db.path)} {reason}"):
            db.backup(target)
    assert not (tmp_path / "copy").exists()
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_damaged_file_is_not_compacted_pruned_or_forgotten_into_another(
    db: flowdb.FlowDB, logs: Path
) -> None:
    path = next(db.path.glob("data/date=2024-01-16/*.parquet"))
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    history = db.history().fetchall()
    for verb in (
        db.compact,
        lambda: db.prune(before="2024-01-17", keep_rejects="20000d"),
    ):
        with pytest.raises(StoreDamaged, match=r"is not as it was written; see: flowdb verify"):
            verb()
        assert left_over(db.path) in ([], ["writer.json"])
    assert db.history().fetchall() == history


def test_a_killed_backup_is_no_store(db: flowdb.FlowDB, run: Run, tmp_path: Path) -> None:
    for point in ("backup.file", "backup.file:3", "backup.catalog"):
        assert run("backup", "copy", env={"FLOWDB_FAULT": point}).returncode == -9
        for argv in (["status"], ["ingest", "logs"], ["verify"], ["verify", "--repair"]):
            ended = run(*argv, "--store", "copy")
            assert (ended.returncode, ended.stdout) == (3, "")
            assert "a backup was begun here and not finished; remove it, and back up again" in ended.stderr
        shutil.rmtree(tmp_path / "copy")


def test_the_verbs_say_what_they_did(run: Run, logs: Path, tmp_path: Path) -> None:
    for name in ("a.log", "b.log.gz", "tgw.log"):
        assert run("ingest", f"logs/{name}").returncode == 0

    def said(*argv: str, code: int = 0) -> str:
        ended = run(*argv)
        assert (ended.returncode, ended.stdout) == (code, ""), ended
        return ended.stderr

    first = said("compact")
    assert first.startswith("flowdb: 7 files of flows made into 4 in ")
    assert "(22 rows, " in first
    assert said("compact") == "flowdb: flows is compact already\n"
    assert (
        said("forget", "logs/b.log.gz")
        == "flowdb: 1 source taken out of flows, with 8 records and 1 bad line\n"
    )
    assert said("forget", "logs/b.log.gz", code=2) == (
        "flowdb: error: logs/b.log.gz: no source of this name is in the store; see: flowdb sources\n"
    )
    assert said("prune", "--before", "2024-01-01") == "flowdb: nothing to take out of flows\n"
    assert said("prune", code=2).startswith("flowdb: error: say what to prune")
    assert "is no date such as" in said("prune", "--before", "soon", code=2)
    assert said("backup", "copy").endswith(" bytes, copied from flows to copy\n")
    assert said("backup", "copy", code=3).endswith("it is not empty; a backup needs a folder of its own\n")
    assert said("verify").startswith("flowdb: flows is sound: ")

    ended = run("prune", "--before", "2024-01-16", "--dry-run", "--output", "csv")
    assert (ended.returncode, ended.stderr) == (
        0,
        "flowdb: 9 records of 1 date would be taken out of flows\n",
    )
    header, row = ended.stdout.splitlines()
    assert header == "date,records,kept_rejects,files,bytes"
    assert row.startswith("2024-01-15,9,0,2,")
    ended = run("prune", "--before", "2024-01-17", "--keep-rejects", "20000d", "--output", "csv")
    assert (
        ended.stderr
        == "flowdb: 9 records and 1 bad line of 2 dates taken out of flows; 3 refused flows kept\n"
    )
    assert said("compact", "--store", "nothing", code=3).endswith(
        "nothing: no store here; make one with: flowdb ingest SOURCE --store DIR\n"
    )


def test_the_verbs_say_what_they_did_as_json(run: Run, logs: Path) -> None:
    assert run("ingest", "logs").returncode == 0

    def facts(*argv: str) -> dict[str, Any]:
        ended = run(*argv, "--json")
        assert (ended.returncode, ended.stderr) == (0, "")
        found: dict[str, Any] = json.loads(ended.stdout)
        return {
            name: value for name, value in found.items() if name not in ("seconds",) and "bytes" not in name
        }

    compacted = facts("compact")
    assert (compacted["records"], compacted["files_after"]) == (35, 4)
    assert facts("forget", "logs/a.log") == {"sources": 1, "records": 8, "bad_lines": 1, "commit": 3}
    assert facts("prune", "--before", "2024-01-16") == {
        "dates": 1,
        "records": 18,
        "kept_rejects": 0,
        "bad_lines": 0,
        "commit": 4,
    }
    assert facts("backup", "copy")["commit"] == 4
    assert facts("verify")["findings"] == []


def test_the_lists_tell_what_is_in_a_store(run: Run, logs: Path, tmp_path: Path) -> None:
    for name in ("a.log", "tgw.log"):
        assert run("ingest", f"logs/{name}").returncode == 0
    assert run("forget", "logs/tgw.log").returncode == 0

    def rows(*argv: str) -> list[dict[str, Any]]:
        ended = run(*argv, "--output", "json")
        assert (ended.returncode, ended.stderr) == (0, "")
        found: list[dict[str, Any]] = json.loads(ended.stdout)
        return found

    (source,) = rows("sources")
    assert (source["source_id"], source["records"], source["bad_lines"], source["commit_id"]) == (1, 8, 1, 1)
    assert source["uri"].endswith("/logs/a.log")
    assert source["size"] == (logs / "a.log").stat().st_size
    assert (source["first_start"], source["last_start"]) == ("2024-01-15 10:00:00", "2024-01-16 00:00:07")
    assert [(row["kind"], row["date"], row["records"], row["is_sorted"]) for row in rows("files")] == [
        ("quarantine", "", 1, False),
        ("flows", "2024-01-15", 5, False),
        ("hourly", "2024-01-15", 1, False),
        ("flows", "2024-01-16", 3, False),
        ("hourly", "2024-01-16", 1, False),
    ]
    for row in rows("files"):
        assert row["bytes"] == (tmp_path / "flows" / row["path"]).stat().st_size
    assert [
        [
            row[name]
            for name in (
                "commit_id",
                "verb",
                "sources",
                "records",
                "bad_lines",
                "removed_sources",
                "removed_records",
            )
        ]
        for row in rows("history")
    ] == [[3, "forget", 0, 0, 0, 1, 4], [2, "ingest", 1, 4, 0, 0, 0], [1, "ingest", 1, 8, 1, 0, 0]]
    (status,) = rows("status")
    assert {
        name: status[name]
        for name in ("records", "tgw_records", "dates", "sources", "bad_lines", "files", "commits")
    } == {"records": 8, "tgw_records": 0, "dates": 2, "sources": 1, "bad_lines": 1, "files": 2, "commits": 3}
    assert (status["oldest_record"], status["newest_record"]) == (
        "2024-01-15 10:00:00",
        "2024-01-16 00:00:07",
    )
    for name in ("status", "sources", "files", "history"):
        ended = run(name, "--store", "nothing")
        assert (ended.returncode, ended.stdout) == (3, "")


def test_an_empty_store_has_empty_lists(tmp_path: Path, run: Run, logs: Path) -> None:
    assert run("ingest", "logs/a.log").returncode == 0
    assert run("forget", "logs/a.log").returncode == 0
    for name in ("sources", "files"):
        assert run(name, "--output", "json").stdout.split() in ([], ["[]"], ["[", "]"])
    assert json.loads(run("status", "--output", "json").stdout)[0]["records"] == 0
    assert run("compact").stderr == "flowdb: flows is compact already\n"
    assert run("prune", "--keep", "1d").stderr == "flowdb: nothing to take out of flows\n"


def test_verbs_that_need_a_store_make_none(tmp_path: Path) -> None:
    db = flowdb.open(tmp_path / "nothing")
    for verb in (
        db.compact,
        lambda: db.prune(before="2024-01-01"),
        lambda: db.forget("a.log"),
        lambda: db.backup(tmp_path / "copy"),
        db.verify,
        db.status,
        db.sources,
        db.files,
        db.history,
    ):
        with pytest.raises(StoreMissing):
            verb()
    assert list(tmp_path.iterdir()) == []


def test_hours_that_are_to_be_kept_are_kept() -> None:
    now = datetime(2024, 1, 16, 14, 13, tzinfo=UTC)
    for keep, first in {"20h": date(2024, 1, 15), "15h": date(2024, 1, 15), "14h": date(2024, 1, 16)}.items():
        assert Keep.of(None, age(keep), None, age(keep), now) == Keep(first, None, first)


def test_a_name_that_is_empty_forgets_nothing(tmp_path: Path) -> None:
    write_log(tmp_path / "logs" / "a.log", [record()])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / "logs")
        with pytest.raises(UsageError, match="empty name"):
            db.forget("")
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(1,)]


def test_a_pattern_forgets_what_it_would_ingest_and_a_folder_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    write_log(folder / "a.log", [record(1)])
    write_log(folder / "sub" / "b.log", [record(2)])
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.log")).write_text(record(3) + "\n")
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(folder)
        assert db.forget(folder / "*.log").sources == 1
        assert db.forget(folder).sources == 2
        assert db.sql("FROM sources").fetchall() == []


def test_bad_lines_of_old_sources_go_though_no_records_do(tmp_path: Path) -> None:
    path = write_log(tmp_path / "old.log", [HEADER, "no record at all"])
    os.utime(path, (1_577_836_800, 1_577_836_800))
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(path)
        assert db.prune(before="2019-12-31").bad_lines == 0
        assert db.prune(before="2024-01-01").bad_lines == 1
        assert db.sql("FROM bad_lines").fetchall() == []


def test_a_grace_longer_than_there_are_years_is_one(tmp_path: Path) -> None:
    write_log(tmp_path / "logs" / "a.log", [record()])
    with flowdb.open(tmp_path / "flows", grace="999999d") as db:
        db.ingest(tmp_path / "logs")
        assert db.compact().files_before == 1
        assert len(data_files(db.path)) == 4


@pytest.mark.parametrize("replace", [False, True])
def test_a_source_that_is_empty_now_is_refused(replace: bool, tmp_path: Path) -> None:
    path = write_log(tmp_path / "a.log", [record()])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(path)
        path.write_text("")
        (failure,) = db.ingest(path, replace=replace).failures
        assert isinstance(failure, SourceChanged)
        assert failure.reason == "it is empty now; the store has it as it was"
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(1,)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_pruning_that_cannot_be_printed_is_said_to_be_done(run: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "logs" / "a.log", [record(), record(1, start=MIDNIGHT)])
    run("ingest", "logs")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flowdb", "prune", "--before", "2024-01-16", "-o", "csv"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("flowdb: 1 record of 1 date taken out of flows\nflowdb: error: ")
