"""Windows of time in every form, and logs that have less than the default format."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.analyses import analyses
from flowdb.errors import ParameterError, QueryError
from tests.cases import given_store
from tests.cells import cells

# Analyses that answer with rows where there is one record; all begin with the same macro.
NAMES = ("coverage", "ephemeral_ports", "rejected_sources", "rejects", "service_flows", "top_talkers")
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
    " action log-status"
)


def literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'"


def store_of(folder: Path, *lines: str, log: str = "a.log", header: str = HEADER) -> FlowDB:
    path = folder / log
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    db = flowdb.open(folder / "store")
    report = db.ingest(path)
    assert (report.records, report.bad_lines) == (len(lines), 0)
    return db


def record(start: str, srcaddr: str = "10.0.0.1", action: str = "REJECT", end: str | None = None) -> str:
    """A record that every analysis counts, but for its action."""
    first, last = (_seconds(start), _seconds(end or start))
    return f"2 012345678901 eni-0a {srcaddr} 10.0.0.2 40000 443 6 1 60 {first} {last} {action} OK"


def _seconds(time: str) -> str:
    return "-" if time == "-" else str(int(datetime.fromisoformat(f"{time}+00:00").timestamp()))


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of a refused and an accepted record at 12:00 of each of three days."""
    days = ("2024-01-14T12:00", "2024-01-15T12:00", "2024-01-16T12:00")
    lines = [record(day, f"10.0.1.{number}") for number, day in enumerate(days)]
    lines += [record(day, f"10.0.2.{number}", "ACCEPT") for number, day in enumerate(days)]
    with store_of(tmp_path_factory.mktemp("three_days"), *lines) as db:
        yield db


FIRST = [
    datetime(2024, 1, 15, 12),
    datetime(2024, 1, 15, 14, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 1, 14, 23, tzinfo=timezone(timedelta(hours=-13))),
    "2024-01-15T12:00",
    "2024-01-15 12:00:00",
    "2024-01-15T12:00:00.000000",
    "2024-01-15T12:00:00Z",
    "2024-01-16T01:00:00+13:00",
    date(2024, 1, 15),
    "2024-01-15",
]
LAST = [
    datetime(2024, 1, 16, 12),
    datetime(2024, 1, 16, 14, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 1, 17, 1, tzinfo=timezone(timedelta(hours=13))),
    "2024-01-16T12:00",
    "2024-01-16 12:00:00",
    "2024-01-15T23:00:00-13:00",
    "2024-01-15T12:00:01",
    datetime(2024, 1, 15, 12, 0, 0, 1),
    date(2024, 1, 16),
    "2024-01-16",
]


@pytest.fixture(scope="module")
def second_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of nothing but the second day's records of `three_days`."""
    lines = [record("2024-01-15T12:00", "10.0.1.1"), record("2024-01-15T12:00", "10.0.2.1", "ACCEPT")]
    with store_of(tmp_path_factory.mktemp("second_day"), *lines) as db:
        yield db


@pytest.mark.parametrize(("since", "until"), list(zip(FIRST, LAST, strict=True)))
@pytest.mark.parametrize("name", NAMES)
def test_since_is_in_and_until_is_out(
    name: str, since: object, until: object, three_days: FlowDB, second_day: FlowDB
) -> None:
    answer = cells(getattr(three_days, name)(since=since, until=until))
    assert answer == cells(getattr(second_day, name)())
    assert len(answer) > 1


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("'2024-01-15 12:00:00'", "'2024-01-16 12:00:00'"),
        ("TIMESTAMP '2024-01-15 12:00:00'", "TIMESTAMP '2024-01-16 12:00:00'"),
        ("DATE '2024-01-15'", "DATE '2024-01-16'"),
        ("'2024-01-15'", "'2024-01-16'"),
        ("'2024-01-15T12:00:00Z'", "'2024-01-16T12:00:00Z'"),
        ("DATE '2024-01-15' + INTERVAL 12 HOUR", "DATE '2024-01-15' + INTERVAL 36 HOUR"),
        ("(SELECT min(start_time) + INTERVAL 1 DAY FROM flows)", "(SELECT max(start_time) FROM flows)"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_since_is_in_and_until_is_out_in_sql(
    name: str, since: str, until: str, three_days: FlowDB, second_day: FlowDB
) -> None:
    answer = cells(three_days.sql(f"FROM {name}(since := {since}, until := {until})"))
    assert answer == cells(getattr(second_day, name)())


@pytest.mark.parametrize("name", NAMES)
def test_a_window_that_ends_where_it_begins_is_empty(name: str, three_days: FlowDB) -> None:
    noon = datetime(2024, 1, 15, 12)
    assert getattr(three_days, name)(since=noon, until=noon).fetchall() == []


def test_a_record_without_a_start_counts_by_its_date(tmp_path: Path) -> None:
    ended = record("-", "10.0.1.1", end="2024-01-15T12:00")
    delivered = record("-", "10.0.1.2", end="-")
    log = "012345678901_vpcflowlogs_eu-west-1_fl-0a_20240116T0005Z_0a.log"
    with store_of(tmp_path, ended, delivered, log=log) as db:

        def sources(since: str | None, until: str | None) -> list[str]:
            answer = db.rejected_sources(since=since, until=until)
            return [row[0] for row in answer.project("srcaddr").fetchall()]

        assert sources(None, None) == ["10.0.1.1", "10.0.1.2"]
        assert sources("2024-01-15", "2024-01-16") == ["10.0.1.1"]
        assert sources("2024-01-15T18:00", "2024-01-15T19:00") == ["10.0.1.1"]
        assert sources("2024-01-16", None) == ["10.0.1.2"]
        assert sources(None, "2024-01-15") == []
        assert sources("2024-01-17", None) == []
        assert db.rejects().project("day_of_week, srcaddr").fetchall() == [
            ("Tuesday", "10.0.1.2"),
            ("Monday", "10.0.1.1"),
        ]


@pytest.mark.parametrize(
    ("since", "until", "files"),
    [
        ("2024-01-15", "2024-01-16", 1),
        ("2024-01-15T18:00", None, 2),
        (None, "2024-01-15T00:00:01", 2),
        (None, "2024-01-15", 1),
        ("2024-01-16", None, 1),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_only_the_files_of_the_dates_in_the_window_are_read(
    name: str, since: str | None, until: str | None, files: int, three_days: FlowDB
) -> None:
    query, bound = analyses()[name].query({"since": since, "until": until})
    assert files_read(three_days, query, bound) == {files}
    in_sql = f"FROM {name}(since := {literal(since)}, until := {literal(until)})"
    assert files_read(three_days, in_sql) == {files}


def files_read(db: FlowDB, query: str, params: object = None) -> set[int]:
    """How many files DuckDB plans to read, in each of the places where it reads some of them."""
    ((_, plan),) = db.sql(f"EXPLAIN (FORMAT json) {query}", params).fetchall()
    return {int(number) for number in re.findall(r'"Scanning Files": "(\d+)/\d+"', plan)}


# ---- records with less than the default format has


def test_ephemeral_ports_of_a_log_without_protocols_are_counted(tmp_path: Path) -> None:
    header = "srcaddr dstaddr srcport dstport start end"
    line = "10.0.0.1 10.0.0.2 40000 443 1705276800 1705276830"
    with store_of(tmp_path, line, header=header) as db:
        assert cells(db.ephemeral_ports())[1:] == [
            ["10.0.0.1", "", "32768", "61000", "28233", "1", "1", "3.5e-05", "2024-01-15 00:00:00", "1"]
        ]


def test_a_conversation_of_a_log_without_ports_has_both_directions(tmp_path: Path) -> None:
    lines = ["10.0.0.1 10.0.0.2 5 1705276800 1705276830", "10.0.0.2 10.0.0.1 7 1705276800 1705276830"]
    with store_of(tmp_path, *lines, header="srcaddr dstaddr bytes start end") as db:
        answer = db.top_talkers(by="conversation")
        assert answer.project("server, client, flows, bytes").fetchall() == [("10.0.0.1", "10.0.0.2", 2, 12)]


def test_a_field_that_has_the_name_of_a_key_leaves_the_key_alone(tmp_path: Path) -> None:
    line = record("2024-01-15T12:00")
    with store_of(tmp_path, f"{line} x", f"{line} y", header=f"{HEADER} server") as db:
        answer = db.top_talkers(by="conversation")
        assert answer.project("server, server_port, client, client_port, flows").fetchall() == [
            ("10.0.0.2", 443, "10.0.0.1", 40000, 2)
        ]


def test_a_time_that_is_in_no_calendar_in_utc_is_an_error(three_days: FlowDB) -> None:
    with pytest.raises(ParameterError):
        three_days.rejects(since="0001-01-01T00:00:00+05:00")


def test_values_may_be_given_by_their_order(three_days: FlowDB) -> None:
    ask = three_days.top_talkers
    assert cells(ask("pair", "packets")) == cells(ask(by="pair", metric="packets"))
    assert cells(ask("pair", top=3)) == cells(ask(by="pair", top=3))


def test_a_value_is_a_value_and_never_sql(three_days: FlowDB) -> None:
    assert three_days.rejects(interface_id="' OR true --").fetchall() == []


def test_a_bucket_may_be_any_length_of_time(tmp_path: Path) -> None:
    with given_store(tmp_path, "ephemeral_ports") as db:
        busiest = {
            bucket: db.ephemeral_ports(bucket=bucket, top=1).fetchall()[0][6:9]
            for bucket in ("1 second", "00:01:30", "1 day")
        }
    assert busiest == {
        "1 second": (1, 3.5e-05, datetime(2024, 1, 15)),
        "00:01:30": (3, 0.000106, datetime(2024, 1, 15)),
        "1 day": (4, 0.000142, datetime(2024, 1, 15)),
    }


WITH_FLAGS = "10.0.0.1 10.0.0.2 40000 443 1 40 {0} {0} 2"
WITHOUT_FLAGS = "10.0.0.1 10.0.0.2 40000 443 1 40 {0} {0}"
FIRST_DAY, SECOND_DAY = 1_705_276_800, 1_705_363_200


def logs_with_and_without_flags(folder: Path) -> tuple[Path, Path]:
    """The log of a day without TCP flags, and that of the next one with them."""
    names = "srcaddr dstaddr srcport dstport packets bytes start end"
    without, with_flags = folder / "1.log", folder / "2.log"
    without.write_text(f"{names}\n{WITHOUT_FLAGS.format(FIRST_DAY)}\n", encoding="utf-8")
    with_flags.write_text(f"{names} tcp-flags\n{WITH_FLAGS.format(SECOND_DAY)}\n", encoding="utf-8")
    return without, with_flags


def test_a_field_that_is_needed_is_one_of_the_logs_of_the_window(tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(*logs_with_and_without_flags(tmp_path))
        begun = [("10.0.0.2", 1)]
        assert db.unanswered().project("dstaddr, unanswered").fetchall() == begun
        assert db.unanswered(since="2024-01-16").project("dstaddr, unanswered").fetchall() == begun
        assert db.unanswered(since="2024-01-17").fetchall() == []
        with pytest.raises(
            (QueryError, duckdb.Error), match="unanswered needs tcp-flags, a field that no log here has"
        ):
            db.unanswered(until="2024-01-16").fetchall()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_archive_of_logs_with_different_fields_has_all_of_them(
    order: tuple[int, int], tmp_path: Path
) -> None:
    logs = logs_with_and_without_flags(tmp_path)
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for number in order:
            archive.write(logs[number], logs[number].name)
    with flowdb.open(tmp_path / "store") as db:
        assert db.ingest(tmp_path / "both.zip").records == 2
        assert db.unanswered().project("dstaddr, unanswered").fetchall() == [("10.0.0.2", 1)]
