"""Coverage: which hours have logs, of which sources, against the same in plain Python."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowdb
from flowdb import FlowDB
from tests.cells import cells, csv_cells
from tests.conftest import Run

Row = tuple[Any, ...]

ACCOUNT = "012345678901"
MONDAY = datetime(2024, 1, 15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Record:
    """A record as a log has it; None is the hyphen."""

    account_id: str | None = ACCOUNT
    interface_id: str | None = "eni-0a"
    srcaddr: str | None = None
    bytes: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    log_status: str | None = "NODATA"

    @property
    def line(self) -> str:
        return " ".join(map(_text, (getattr(self, one.name) for one in fields(self))))


@dataclass(frozen=True)
class Source:
    """A log that was delivered at a time, which its name tells, with lines that are no records."""

    delivered: datetime
    records: Sequence[Record] = ()
    bad_lines: int = 0


def _text(value: str | int | datetime | None) -> str:
    if isinstance(value, datetime):
        return str(int(value.replace(tzinfo=UTC).timestamp()))
    return "-" if value is None else str(value)


def at(time: str, length: int = 30, **values: Any) -> Record:
    """A NODATA record of 2024-01-15."""
    start = datetime.fromisoformat(f"2024-01-15T{time}")
    return Record(start=start, end=start + timedelta(seconds=length), **values)


def traffic(time: str, length: int = 30, **values: Any) -> Record:
    return at(time, length, srcaddr="10.0.0.1", bytes=60, log_status="OK", **values)


def written(folder: Path, sources: Iterable[Source], first: int = 0) -> list[Path]:
    """Write sources as AWS names them, and return their paths."""
    header = " ".join(one.name.replace("_", "-") for one in fields(Record))
    paths = []
    for number, source in enumerate(sources, first):
        name = f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-0a_{source.delivered:%Y%m%dT%H%MZ}_{number:08x}.log"
        lines = [header, *(record.line for record in source.records), *["bad"] * source.bad_lines]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths.append(folder / name)
    return paths


@contextmanager
def store_of(*sources: Source) -> Iterator[FlowDB]:
    with TemporaryDirectory() as folder, flowdb.open(Path(folder, "store")) as db:
        report = db.ingest(*written(Path(folder), sources), workers=1)
        assert report.records == sum(len(source.records) for source in sources)
        assert report.bad_lines == sum(source.bad_lines for source in sources)
        yield db


def hours(db: FlowDB, columns: str = "hour, hours, state") -> list[Row]:
    """The rows, with the hour of 2024-01-15 as a number."""
    rows = db.coverage().project(columns).fetchall()
    return [(int((row[0] - MONDAY) / HOUR), *row[1:]) for row in rows]


# ---- sources


def test_a_source_is_late_if_it_came_more_than_an_hour_after_the_hour_was_over() -> None:
    log = (at("12:00:00"), at("13:59:59", 0), at("14:00:00"))
    sources = [
        Source(MONDAY + timedelta(hours=15), log),
        Source(MONDAY + timedelta(hours=15, minutes=1), log),
    ]
    with store_of(*sources) as db:
        assert hours(db, "hour, sources, late_sources") == [(12, 2, 2), (13, 2, 1), (14, 2, 0)]


def test_a_source_is_counted_once_in_an_hour_in_which_it_has_many_records() -> None:
    log = [at(f"12:{minute:02}:00", seconds) for minute in range(0, 60, 7) for seconds in (30, 6000)]
    with store_of(Source(MONDAY + DAY, log, bad_lines=3)) as db:
        found = hours(db, "hour, nodata, sources, late_sources, bad_lines")
        assert found == [(12, 18, 1, 1, 3), (13, 0, 1, 1, 3), (14, 0, 1, 1, 3)]


def test_bad_lines_stand_at_every_hour_and_interface_of_their_source() -> None:
    both = (at("12:00:00"), at("14:00:00", interface_id="eni-0b"))
    sources = [
        Source(MONDAY + 14 * HOUR, both, bad_lines=2),
        Source(MONDAY + 14 * HOUR, [at("12:10:00")], bad_lines=5),
        Source(MONDAY + 14 * HOUR, [at("12:20:00")]),
    ]
    with store_of(*sources) as db:
        rows = db.coverage().project("interface_id, hour, sources, bad_lines").fetchall()
    assert rows == [("eni-0a", MONDAY + 12 * HOUR, 3, 7), ("eni-0b", MONDAY + 14 * HOUR, 1, 2)]


def test_sources_of_nothing_but_bad_lines_are_unread_at_the_hour_of_their_delivery() -> None:
    sources = [
        Source(MONDAY + timedelta(hours=3, minutes=10), bad_lines=2),
        Source(MONDAY + timedelta(hours=3, minutes=50), bad_lines=1),
        Source(MONDAY + timedelta(hours=3, minutes=55)),
        Source(MONDAY + timedelta(hours=4), bad_lines=4),
        Source(
            MONDAY + timedelta(hours=4), [at("03:00:00", account_id=None, interface_id=None)], bad_lines=8
        ),
    ]
    with store_of(*sources) as db:
        three, four = MONDAY + 3 * HOUR, MONDAY + 4 * HOUR
        read = (None, None, three, 1, "no traffic", 0, 1, 0, 1, 0, 8)
        first = (None, None, three, 1, "unread", 0, 0, 0, 2, 0, 3)
        second = (None, None, four, 1, "unread", 0, 0, 0, 1, 0, 4)
        assert db.coverage().fetchall() == [read, first, second]
        assert db.coverage(since=four).fetchall() == [second]
        assert db.coverage(since=three + timedelta(minutes=30), until=four).fetchall() == [
            (None, None, three, 1, "unread", 0, 0, 0, 1, 0, 1)
        ]
        assert db.coverage(account_id=ACCOUNT).fetchall() == []
        assert db.coverage(interface_id="eni-0a").fetchall() == []


# ---- hours


def test_skipped_records_show_beside_traffic() -> None:
    skipped = at("12:30:00", log_status="SKIPDATA")
    with store_of(Source(MONDAY + 13 * HOUR, [traffic("12:00:00"), skipped, at("12:31:00")])) as db:
        assert hours(db, "hour, state, records, nodata, skipdata") == [(12, "traffic", 1, 1, 1)]


def test_a_record_of_the_year_2100_makes_one_row_of_the_time_before_it() -> None:
    far = datetime(2100, 1, 1)
    log = [at("12:00:00"), Record(start=far, end=far)]
    with store_of(Source(MONDAY + 13 * HOUR, log)) as db:
        gap = int((far - MONDAY) / HOUR) - 13
        assert hours(db) == [(12, 1, "no traffic"), (13, gap, "no logs"), (13 + gap, 1, "no traffic")]


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        ("srcaddr bytes start", "10.0.0.1 5 1705276800", (None, None, MONDAY, "traffic", 1)),
        ("interface-id bytes end", "eni-0a 5 1705276800", (None, "eni-0a", MONDAY, "traffic", 1)),
        ("account-id bytes", f"{ACCOUNT} 5", (ACCOUNT, None, MONDAY + DAY, "traffic", 1)),
        ("interface-id bytes start", "eni-0a - 1705276800", (None, "eni-0a", MONDAY, "no traffic", 0)),
        ("interface-id log-status", "eni-0a SKIPDATA", (None, "eni-0a", MONDAY + DAY, "skipped", 0)),
    ],
)
def test_a_log_may_leave_out_fields(tmp_path: Path, header: str, line: str, expected: Row) -> None:
    log = tmp_path / f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-0a_20240116T1505Z_0a.log"
    log.write_text(f"{header}\n{line}\n", encoding="utf-8")
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(log)
        columns = "account_id, interface_id, hour, state, records"
        assert db.coverage().project(columns).fetchall() == [expected]


def test_a_store_of_transit_gateways_alone_has_no_hours(tmp_path: Path) -> None:
    log = tmp_path / "tgw.log"
    log.write_text("tgw-id bytes start\ntgw-1 7 1705276800\nbad\n", encoding="utf-8")
    with flowdb.open(tmp_path / "store") as db:
        report = db.ingest(log)
        assert (report.records, report.bad_lines) == (1, 1)
        assert db.sql("FROM coverage").fetchall() == []


# ---- the view

SOME = (
    Source(MONDAY + 15 * HOUR, [traffic("12:00:00"), at("14:00:00")], bad_lines=1),
    Source(MONDAY + 15 * HOUR, bad_lines=1),
)


def test_the_view_is_the_analysis_of_the_whole_store() -> None:
    with store_of(*SOME) as db:
        rows = cells(db.sql("FROM coverage"))
        assert len(rows) == 5
        assert rows == cells(db.sql("FROM coverage()")) == cells(db.coverage())
        done = subprocess.run(
            [sys.executable, "-m", "flowdb", "coverage", "--store", str(db.path), "-o", "csv"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert csv_cells(done.stdout.splitlines()) == rows


def test_the_view_shows_the_newest_commit(tmp_path: Path) -> None:
    with flowdb.open(tmp_path / "store") as db:
        for number, states in enumerate([["traffic"], ["traffic", "no logs", "no traffic"]]):
            log = [traffic("12:00:00"), at("14:00:00")][number]
            db.ingest(*written(tmp_path, [Source(MONDAY + 15 * HOUR, [log])], number))
            assert [state for _, _, state in hours(db)] == states
            assert cells(db.sql("FROM coverage")) == cells(db.coverage())


def test_the_view_is_there_where_the_store_is_attached_to_another_database() -> None:
    with store_of(*SOME) as db, duckdb.connect() as other:
        other.execute(f"ATTACH '{db.path / 'flowdb.duckdb'}' AS f (READ_ONLY)")
        assert cells(other.sql("FROM f.coverage")) == cells(db.coverage())


def test_the_command_takes_a_day_and_an_account(run: Run, tmp_path: Path) -> None:
    written(tmp_path, [Source(MONDAY + DAY, [traffic("12:00:00"), Record(start=MONDAY + DAY, end=None)])])
    run("ingest", ".")
    done = run("coverage", "--day", "2024-01-15", "--account-id", ACCOUNT, "-o", "csv")
    assert done.stdout.splitlines() == [
        "account_id,interface_id,hour,hours,state,records,nodata,skipdata,sources,late_sources,bad_lines",
        f"{ACCOUNT},eni-0a,2024-01-15 12:00:00,1,traffic,1,0,0,1,1,0",
    ]
    assert run("coverage", "--account-id", "1", "-o", "jsonl").stdout == ""


# ---- the same in plain Python


@dataclass(frozen=True)
class Asked:
    """A question."""

    since: datetime | None
    until: datetime | None
    interface_id: str | None
    account_id: str | None

    def has(self, moment: datetime) -> bool:
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _moment(record: Record, source: Source) -> datetime:
    if record.start is None:
        return record.end or source.delivered.replace(hour=0, minute=0)
    if record.end is not None and abs(record.end - record.start) > DAY:
        return record.end
    return record.start


def _kind(record: Record) -> str:
    status = record.log_status
    if status is None:
        status = "NODATA" if record.bytes is None and record.srcaddr is None else "OK"
    return {"NODATA": "no traffic", "SKIPDATA": "skipped"}.get(status.upper(), "traffic")


def coverage(sources: Sequence[Source], asked: Asked) -> list[Row]:
    """What coverage is to answer, one hour and one record at a time."""
    reaching: dict[Row, dict[datetime, list[tuple[Record, Source, bool]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    unread: dict[datetime, list[Source]] = defaultdict(list)
    for source in sources:
        if not source.records and source.bad_lines and asked.has(source.delivered):
            unread[_hour(source.delivered)].append(source)
        for record in source.records:
            moment = hour = _moment(record, source)
            if not asked.has(moment):
                continue
            hour = _hour(moment)
            while hour <= moment or (record.end is not None and hour < record.end):
                if asked.until is None or hour < asked.until:
                    reaching[record.account_id, record.interface_id][hour].append(
                        (record, source, hour <= moment)
                    )
                hour += HOUR
    rows: list[Row] = []
    for key, seen in reaching.items():
        if asked.account_id not in (None, key[0]) or asked.interface_id not in (None, key[1]):
            continue
        hour = min(seen)
        while hour <= max(seen):
            if found := seen.get(hour):
                rows.append((*key, hour, 1, *_logged(hour, found)))
            elif rows[-1][4] == "no logs":
                rows[-1] = (*rows[-1][:3], rows[-1][3] + 1, *rows[-1][4:])
            else:
                rows.append((*key, hour, 1, "no logs", 0, 0, 0, 0, 0, 0))
            hour += HOUR
    if asked.account_id is None and asked.interface_id is None:
        for hour, found_unread in unread.items():
            bad = sum(source.bad_lines for source in found_unread)
            rows.append((None, None, hour, 1, "unread", 0, 0, 0, len(found_unread), 0, bad))
    return sorted(
        rows, key=lambda row: (row[0] is None, row[0] or "", row[1] is None, row[1] or "", row[2], row[4])
    )


def _logged(hour: datetime, found: Sequence[tuple[Record, Source, bool]]) -> Row:
    kinds = [_kind(record) for record, _, _ in found]
    state = next(kind for kind in ("traffic", "skipped", "no traffic") if kind in kinds)
    counted = [_kind(record) for record, _, begins in found if begins]
    sources = {id(source): source for _, source, _ in found}.values()
    late = sum(source.delivered - hour > 2 * HOUR for source in sources)
    bad = sum(source.bad_lines for source in sources)
    counts = (counted.count(kind) for kind in ("traffic", "no traffic", "skipped"))
    return (state, *counts, len(sources), late, bad)


MINUTES = st.sampled_from([0, 1, 59, 60, 61, 119, 120, 300, 1439, 1440, 1500, 2880, 4000])
MOMENTS = MINUTES.map(lambda minutes: MONDAY + timedelta(minutes=minutes))
LENGTHS = st.sampled_from([-90_000, -86_400, -5, 0, 1, 30, 60, 600, 3600, 7201, 86_400, 86_401, 10**7])


@st.composite
def records(draw: st.DrawFn) -> Record:
    start = draw(MOMENTS)
    end = start + timedelta(seconds=draw(LENGTHS))
    known = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (1, 0), (0, 1), (0, 0)]))
    return Record(
        account_id=draw(st.sampled_from([ACCOUNT, ACCOUNT, "210987654321", None])),
        interface_id=draw(st.sampled_from(["eni-0a", "eni-0a", "eni-0b", None])),
        srcaddr=draw(st.sampled_from([None, "10.0.0.1"])),
        bytes=draw(st.sampled_from([None, 0, 60])),
        start=start if known[0] else None,
        end=end if known[1] else None,
        log_status=draw(st.sampled_from(["OK", "NODATA", "SKIPDATA", "nodata", "SkipData", None])),
    )


SOURCES = st.builds(
    Source,
    delivered=MOMENTS,
    records=st.lists(records(), max_size=12),
    bad_lines=st.sampled_from([0, 0, 1, 3]),
)
BOUNDS = st.one_of(st.none(), MOMENTS)


def in_order(asked: Asked) -> Asked:
    """The question with the earlier moment first: the other way round is an error."""
    if asked.since is None or asked.until is None or asked.since <= asked.until:
        return asked
    return replace(asked, since=asked.until, until=asked.since)


QUESTIONS = st.builds(
    Asked,
    since=BOUNDS,
    until=BOUNDS,
    interface_id=st.sampled_from([None, None, "eni-0a"]),
    account_id=st.sampled_from([None, None, ACCOUNT]),
).map(in_order)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.lists(SOURCES, min_size=1, max_size=5), st.lists(QUESTIONS, min_size=6, max_size=6))
def test_coverage_is_what_python_finds(sources: list[Source], questions: list[Asked]) -> None:
    with store_of(*sources) as db:
        for asked in [Asked(None, None, None, None), *questions]:
            values = {one.name: getattr(asked, one.name) for one in fields(asked)}
            assert db.coverage(**values).fetchall() == coverage(sources, asked)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.lists(SOURCES, min_size=1, max_size=5))
def test_the_counts_of_the_hours_of_a_date_are_those_of_its_records(sources: list[Source]) -> None:
    with store_of(*sources) as db:
        by_hour = """
            SELECT hour::DATE, sum(records + nodata + skipdata)::BIGINT AS counted
            FROM coverage GROUP BY ALL HAVING counted > 0 ORDER BY ALL
        """
        by_date = "SELECT date, count(*) FROM flows GROUP BY ALL ORDER BY ALL"
        assert db.sql(by_hour).fetchall() == db.sql(by_date).fetchall()
