"""Ingest: every source once, whole or not at all, dated by its records."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import flowdb
from flowdb import ingest as ingest_module
from flowdb import partitions, readers, reading
from flowdb.errors import LayoutError, SourceChanged, SourceDamaged, SourceError
from flowdb.fields import FIELDS
from tests.conftest import HEADER, ROOT, SAMPLES, all_rows, data_files, live_files, record, write_log


def test_a_folder_becomes_one_commit_of_records_by_date(db: flowdb.FlowDB, logs: Path) -> None:
    report = db.ingest(logs)
    facts = report.facts()
    assert facts.pop("seconds")
    written = (db.path / "data").rglob("*.parquet")
    assert facts.pop("parquet_bytes") == sum(path.stat().st_size for path in written)
    sizes = [path.stat().st_size for path in logs.rglob("*.log*")]
    assert facts == {
        "sources_found": 3,
        "sources_ingested": 3,
        "sources_skipped": 0,
        "sources_failed": 0,
        "sources_replaced": 0,
        "records": 6,
        "bad_lines": 0,
        "raw_bytes": 3 * (len(record()) + 1) * 2 + 2 * (len(HEADER) + 1),
        "source_bytes": sum(sizes),
        "files_compacted": 0,
        "commit": 1,
    }
    assert db.sql("SELECT date, count(*) FROM flows GROUP BY ALL ORDER BY ALL").fetchall() == [
        (date(2024, 1, 15), 5),
        (date(2024, 1, 16), 1),
    ]
    assert data_files(db.path) == live_files(db)


def test_a_second_ingest_adds_nothing(db: flowdb.FlowDB) -> None:
    db.ingest(SAMPLES)
    before = all_rows(db)
    files = data_files(db.path)
    report = db.ingest(SAMPLES)
    assert (report.sources_found, report.sources_ingested, report.sources_skipped) == (12, 0, 12)
    assert (report.records, report.commit) == (0, None)
    assert all_rows(db) == before
    assert data_files(db.path) == files


def test_a_second_ingest_reads_only_what_is_new(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    write_log(logs / "d.log", [record(9)])
    report = db.ingest(logs)
    assert (report.sources_ingested, report.sources_skipped, report.records, report.commit) == (1, 3, 1, 2)
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(7,)]


def test_every_record_knows_its_source(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    counted = db.sql(
        "SELECT name, records, count(*) FROM flows JOIN sources USING (source_id) GROUP BY ALL ORDER BY ALL"
    )
    assert counted.fetchall() == [("a.log", 3, 3), ("b.log.gz", 2, 2), ("c.log", 1, 1)]


def test_a_source_that_was_only_touched_is_known(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    os.utime(logs / "a.log", (1, 1))
    report = db.ingest(logs)
    assert (report.sources_skipped, report.sources_failed) == (3, 0)


def test_a_source_that_changed_is_refused_and_the_others_land(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    before = all_rows(db)
    write_log(logs / "a.log", [HEADER, record(77)])
    write_log(logs / "d.log", [record(9)])
    report = db.ingest(logs)
    assert [type(failure) for failure in report.failures] == [SourceChanged]
    assert report.failures[0].source == str(logs / "a.log")
    assert (report.sources_failed, report.sources_ingested, report.sources_skipped) == (1, 1, 2)
    assert len(all_rows(db)) == len(before) + 1


def test_a_source_that_changed_but_kept_its_size_is_refused(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    text = (logs / "a.log").read_text()
    (logs / "a.log").write_text(text.replace("40000", "40009"))
    os.utime(logs / "a.log", (5, 5))
    assert [type(failure) for failure in db.ingest(logs).failures] == [SourceChanged]


def test_a_folder_that_was_copied_or_moved_is_not_read_twice(db: flowdb.FlowDB, logs: Path) -> None:
    db.ingest(logs)
    shutil.copytree(logs, logs.parent / "copy")
    logs.rename(logs.parent / "moved")
    report = db.ingest(logs.parent / "copy", logs.parent / "moved")
    assert (report.sources_found, report.sources_skipped, report.records) == (6, 6, 0)
    assert any("under another path" in note for note in report.notes)


def test_copies_in_one_ingest_are_read_once(db: flowdb.FlowDB, logs: Path) -> None:
    shutil.copytree(logs, logs / "copy")
    report = db.ingest(logs)
    assert (report.sources_found, report.sources_ingested, report.records) == (6, 3, 6)


def test_equal_content_under_another_name_is_another_source(db: flowdb.FlowDB, logs: Path) -> None:
    shutil.copy(logs / "a.log", logs / "a2.log")
    assert db.ingest(logs).records == 9


def test_a_place_named_twice_is_read_once(db: flowdb.FlowDB, logs: Path) -> None:
    report = db.ingest(logs, logs / "a.log", str(logs) + "/*.log")
    assert (report.sources_found, report.records) == (3, 6)


def test_equal_lines_in_one_source_are_all_records(db: flowdb.FlowDB, tmp_path: Path) -> None:
    db.ingest(write_log(tmp_path / "a.log", [record()] * 38))
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(38,)]


def test_an_empty_file_is_looked_at_again(db: flowdb.FlowDB, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"")
    report = db.ingest(path)
    assert (report.sources_found, report.sources_skipped, report.commit) == (1, 1, None)
    assert report.notes == [f"{path} is empty, and will be looked at again"]
    write_log(path, [record()])
    assert db.ingest(path).records == 1


@pytest.mark.parametrize("held_back", [48 << 20, 1])
def test_a_truncated_gzip_fails_alone_and_is_read_once_it_is_whole(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_back: int
) -> None:
    monkeypatch.setattr(reading, "_HELD_BACK", held_back)
    monkeypatch.setattr("flowdb.lines.blocks.__defaults__", (4096,))
    monkeypatch.setattr("flowdb.archives.BLOCK_SIZE", 4096)
    monkeypatch.setattr("flowdb.delivery.BLOCK_SIZE", 4096)
    whole = gzip.compress("\n".join(record(n) for n in range(5000)).encode())
    path = tmp_path / "cut.log.gz"
    path.write_bytes(whole[:-100])
    write_log(tmp_path / "good.log", [record()])
    report = db.ingest(tmp_path / "cut.log.gz", tmp_path / "good.log")
    (failure,) = report.failures
    assert isinstance(failure, SourceDamaged)
    assert failure.records > 1000
    assert str(failure) == (
        f"{path}: its gzip data is cut short, after {failure.records:,} records;"
        " none were kept, the next ingest tries again"
    )
    assert (report.sources_ingested, report.records) == (1, 1)
    assert data_files(db.path) == live_files(db)
    path.write_bytes(whole)
    assert db.ingest(tmp_path / "cut.log.gz").records == 5000
    assert db.sql("SELECT count(*) FROM flows").fetchall() == [(5001,)]


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"\x7fELF\x02\x01\x01\0\0\0\0", LayoutError, "it is a binary file, not a flow log"),
        (b"once upon a time\n", LayoutError, "its first line names no field of flow logs"),
        (
            b"2 10.0.0.1 443 ACCEPT\n",
            LayoutError,
            (
                "it has no header, and no record with the 14 fields of the default format;"
                " --format names its fields"
            ),
        ),
        (b"version srcaddr version\n2 a 2\n", LayoutError, "its header names version twice"),
    ],
)
def test_a_file_that_is_no_flow_log_fails_alone(
    db: flowdb.FlowDB, tmp_path: Path, content: bytes, kind: type[SourceError], reason: str
) -> None:
    path = tmp_path / "odd.log"
    path.write_bytes(content)
    good = write_log(tmp_path / "good.log", [record()])
    report = db.ingest(path, good)
    assert [(type(failure), failure.reason) for failure in report.failures] == [(kind, reason)]
    assert (report.records, report.bad_lines) == (1, 0)


def test_an_ingest_in_which_every_source_failed_makes_no_commit(db: flowdb.FlowDB, tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_bytes(b"nothing\n")
    report = db.ingest(tmp_path / "odd.log")
    assert (report.sources_failed, report.commit) == (1, None)
    assert db.sql("SELECT count(*) FROM commits").fetchall() == [(0,)]
    assert data_files(db.path) == set()


def test_bad_lines_are_in_quarantine_with_source_number_and_reason(db: flowdb.FlowDB, tmp_path: Path) -> None:
    lines = [HEADER, record(1), record(2, bytes="1e5"), "too short", record(3)]
    path = write_log(tmp_path / "a.log", lines)
    report = db.ingest(path)
    assert (report.records, report.bad_lines) == (2, 2)
    assert db.sql("SELECT * EXCLUDE (source_id) FROM bad_lines ORDER BY line_number").fetchall() == [
        (str(path), 3, "bytes is '1e5', not a number from 0 to 9223372036854775807", lines[2]),
        (str(path), 4, "2 fields, the layout has 14", "too short"),
    ]
    assert db.sql("SELECT lines, records, bad_lines FROM sources").fetchall() == [(5, 2, 2)]


def test_the_date_is_that_of_the_start_in_utc_and_never_the_folders(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    name = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20240116T0000Z_fe123456.log"
    path = tmp_path / "2024/01/16" / name
    write_log(path, [record(0, start=1_705_363_199), record(1, start=1_705_363_200)])
    db.ingest(path)
    assert db.sql("SELECT date, start_time FROM flows ORDER BY ALL").fetchall() == [
        (date(2024, 1, 15), datetime(2024, 1, 15, 23, 59, 59)),
        (date(2024, 1, 16), datetime(2024, 1, 16)),
    ]


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("-", "1705363200", date(2024, 1, 16)),
        ("165489242", "1669842701", date(2022, 11, 30)),
        ("1669842701", "1669842700", date(2022, 11, 30)),
        ("1705363199", "1705377599", date(2024, 1, 15)),
        ("-", "-", date(2021, 9, 2)),
    ],
)
def test_a_record_without_a_sensible_start_is_dated_by_its_end_or_its_object(
    db: flowdb.FlowDB, tmp_path: Path, start: str, end: str, day: date
) -> None:
    path = tmp_path / "1_vpcflowlogs_us-east-1_fl-1_20210902T2145Z_c2ed8707.log"
    write_log(path, ["start end srcaddr", f"{start} {end} 10.0.0.1"])
    db.ingest(path)
    assert db.sql("SELECT date FROM flows").fetchall() == [(day,)]


def test_records_without_any_time_take_the_objects(db: flowdb.FlowDB, tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs" / "aws-region=us-east-1" / "year=2025" / "month=11" / "day=30"
    lines = ["flow-direction traffic-path srcaddr dstaddr", "ingress - 10.0.133.8 10.0.128.55"]
    db.ingest(write_log(folder / "a.log", lines))
    assert db.sql("SELECT date, start_time, flow_direction, traffic_path FROM flows").fetchall() == [
        (date(2025, 11, 30), None, "ingress", None)
    ]


def test_all_data_files_of_a_schema_version_have_the_same_columns(
    db: flowdb.FlowDB, tmp_path: Path, logs: Path
) -> None:
    write_log(logs / "v5.log", ["version srcaddr flow-direction start", "5 10.0.0.9 egress 1705312800"])
    write_log(logs / "v5-other.log", ["traffic-path dstaddr end", "8 10.0.0.9 1705312800"])
    write_log(logs / "v11.log", ["next-hop-az-id start", "use1-az1 1705312800"])
    db.ingest(logs)
    found = set()
    for path in (db.path / "data").rglob("*.parquet"):
        found.add(tuple(pq.read_schema(path).names))
    assert found == {
        (*(field.column for field in FIELDS if field.version <= version), "source_id")
        for version in (2, 5, 11)
    }
    columns = ["date", *(field.column for field in FIELDS), "source_id"]
    assert db.sql("FROM flows").columns == columns
    types = [str(kind) for kind in db.sql("FROM flows").types]
    assert types == ["DATE", *(field.kind.sql_type for field in FIELDS), "BIGINT"]
    query = "SELECT count(*), count(traffic_path), max(next_hop_az_id), count(bytes) FROM flows"
    assert db.sql(query).fetchall() == [(9, 1, "use1-az1", 6)]


def test_tags_ids_and_addresses_are_stored_as_people_write_them(db: flowdb.FlowDB, tmp_path: Path) -> None:
    lines = [
        "account-id srcaddr pkt-srcaddr instance-tag asg-tag-2 start",
        "001234567890 2001:db8::1 fe80::1 my%2Dapp%20%C3%A9 100%25%2 1705312800",
        "000000000000 :: ::ffff:10.0.0.1 a%00%0Ab - 1705312800",
    ]
    db.ingest(write_log(tmp_path / "a.log", lines))
    query = "SELECT account_id, srcaddr, pkt_srcaddr, instance_tag, asg_tag_2 FROM flows ORDER BY ALL"
    assert db.sql(query).fetchall() == [
        ("000000000000", "::", "::ffff:10.0.0.1", "a\0\nb", None),
        ("001234567890", "2001:db8::1", "fe80::1", "my-app \N{LATIN SMALL LETTER E WITH ACUTE}", "100%25%2"),
    ]


def test_fields_that_nobody_knows_are_kept_as_text_under_their_own_names(
    db: flowdb.FlowDB, tmp_path: Path, logs: Path
) -> None:
    db.ingest(logs)
    write_log(tmp_path / "new.log", [f"{HEADER} brand-new date", f"{record(8)} 0042 today"])
    db.ingest(tmp_path / "new.log")
    db.ingest(write_log(tmp_path / "other.log", ["srcaddr start another", "10.9.9.9 1705312800 -"]))
    assert db.sql("SELECT brand_new, date_ FROM flows WHERE brand_new IS NOT NULL").fetchall() == [
        ("0042", "today")
    ]
    assert db.sql("SELECT count(*), count(another) FROM flows").fetchall() == [(8, 0)]
    assert db.top_talkers(by="srcaddr", metric="flows").fetchall()[0][:2] == ("10.0.0.1", 7)


def test_a_source_too_large_to_be_held_back_has_files_of_its_own(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_HELD_BACK", 200_000)
    monkeypatch.setattr("flowdb.lines.blocks.__defaults__", (50_000,))
    lines = [record(n % 20000, start=1_705_312_800 + 40 * n) for n in range(10_000)]
    lines[7000] = "broken"
    db.ingest(write_log(tmp_path / "large.log.gz", lines), write_log(tmp_path / "small.log", lines[:5]))
    assert db.sql("SELECT count(*), count(DISTINCT date), sum(bytes) FROM flows").fetchall() == [
        (10_004, 6, 1_000_400)
    ]
    assert db.sql("SELECT line_number, line FROM bad_lines").fetchall() == [(7001, "broken")]
    assert data_files(db.path) == live_files(db)


def test_records_of_more_dates_than_files_may_be_open(
    db: flowdb.FlowDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_MOST_OPEN", 4)
    monkeypatch.setattr(ingest_module, "SHARED_MEMORY", 1)
    days = [record(n, start=1_705_312_800 + 86_400 * (n % 30)) for n in range(90)]
    db.ingest(write_log(tmp_path / "a.log", days[:45]), write_log(tmp_path / "b.log", days[45:]))
    assert db.sql("SELECT count(*), count(DISTINCT date), count(DISTINCT srcport) FROM flows").fetchall() == [
        (90, 30, 90)
    ]
    assert data_files(db.path) == live_files(db)


def test_the_number_of_workers_does_not_change_what_is_stored(tmp_path: Path) -> None:
    rows = []
    for workers in (1, 2, 5):
        with flowdb.open(tmp_path / f"flows{workers}") as db:
            db.ingest(SAMPLES, workers=workers)
            rows.append(all_rows(db))
    assert rows[0] == rows[1] == rows[2]
    assert len(rows[0]) == 12_000


def test_small_sources_read_together_give_what_each_gives_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    midnight = 1_705_363_200
    v3 = "version srcaddr start end bytes srcport"
    contents = {
        "plain.log": [HEADER, record(1), record(2)],
        "headless.log": [record(3)],
        "only-header.log": [HEADER],
        "blank.log.gz": [HEADER, "", record(4)],
        "bad.log": [HEADER, record(5), "bad", record(6, bytes="x")],
        "midnight.log.gz": [HEADER, record(7, start=midnight - 1), record(8, start=midnight)],
        "v3.log": [v3, f"3 10.3.0.1 {midnight} {midnight} 7 80"],
        "v3-more.log": [v3, f"3 10.3.0.2 {midnight} {midnight} 7 80"],
        "v3-no-start.log": [v3, f"3 10.3.0.3 - {midnight} 7 80"],
        "no-time.log": ["srcaddr dstaddr", "10.4.0.1 10.4.0.2"],
        "new-field.log": [f"{HEADER} new-field", f"{record(9)} x"],
    }
    for name, lines in contents.items():
        write_log(logs / name, lines)
    (logs / "no-newline.log").write_bytes(f"{HEADER}\n{record(10)}".encode())
    (logs / "cut.log.gz").write_bytes(gzip.compress(record(11).encode())[:-9])
    (logs / "binary.log").write_bytes(b"\0\1\2")
    query = """
        SELECT flows.* EXCLUDE (source_id), sources.name
        FROM flows JOIN sources USING (source_id) ORDER BY ALL
    """
    answers = []
    for together in (1000, 1):
        monkeypatch.setattr(readers, "_TOGETHER_SOURCES", together)
        with flowdb.open(tmp_path / f"flows{together}") as db:
            report = db.ingest(logs, workers=1)
            bad_lines = "SELECT source, line_number, reason FROM bad_lines ORDER BY ALL"
            quarantined = db.sql(bad_lines).fetchall()
            ledger = db.sql(
                "SELECT uri, layout, lines, records, bad_lines, raw_bytes, fingerprint, first_start,"
                " last_start FROM sources ORDER BY ALL"
            ).fetchall()
            failed = [str(failure) for failure in report.failures]
            facts = report.facts() | {"seconds": 0, "parquet_bytes": 0}
            answers.append((db.sql(query).fetchall(), quarantined, ledger, failed, facts))
            assert data_files(db.path) == live_files(db)
    assert answers[0] == answers[1]
    assert [row[3] for row in answers[0][2]].count(0) == 1
    assert answers[0][4]["records"] == 13
    assert answers[0][4]["sources_failed"] == 2


def test_files_that_were_concatenated_are_read_with_every_line_in_its_place(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    part = [HEADER, record(1), record(2)]
    path = write_log(tmp_path / "a.log", [*part, *part, "bad", *part, HEADER])
    report = db.ingest(path)
    assert (report.records, report.bad_lines) == (6, 1)
    assert db.sql("SELECT line_number FROM bad_lines").fetchall() == [(7,)]
    clean = write_log(tmp_path / "b.log", [*part, *part, *part, HEADER])
    db.ingest(clean)
    assert db.sql("SELECT lines, records, bad_lines FROM sources ORDER BY source_id").fetchall() == [
        (11, 6, 1),
        (10, 6, 0),
    ]


def test_no_verb_loads_pandas_whatever_the_lines_are(tmp_path: Path, logs: Path) -> None:
    write_log(logs / "odd.log", [HEADER, record(1).replace("443", "007"), record(2, bytes="-"), "bad", "x y"])
    write_log(logs / "none.log", [HEADER, record(3, bytes="many"), record(4, bytes=2**64)])
    script = """
import sys
import flowdb
with flowdb.open("flows", grace="0s") as db:
    report = db.ingest("logs", compact=False)
    assert (report.records, report.bad_lines) == (8, 4), report
    db.ingest("logs")
    db.forget("logs/c.log")
    db.compact()
    db.prune(before="2024-01-16", keep_rejects="36500d")
    assert db.verify().is_sound
    assert len(db.top_talkers().fetchall()) == 1
print("pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")
