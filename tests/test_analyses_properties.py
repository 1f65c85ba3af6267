"""Random records, and what every analysis says of them, against the same sums in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import flowdb
from flowdb import FlowDB

Row = tuple[Any, ...]

MONDAY = 1_705_276_800  # 2024-01-15 00:00:00 UTC
BYS = ("srcaddr", "dstaddr", "pair", "conversation", "interface_id", "dstport", "protocol")
METRICS = ("bytes", "packets", "flows")
RANGES = {"linux": (32768, 61000), "windows-xp": (1025, 5000), "iana": (49152, 65535)}
# All of them begin with the hour, so that the moment at which DuckDB begins to count does not matter.
BUCKETS = {"1 minute": 60, "10 minutes": 600, "1 hour": 3600}


@dataclass(frozen=True)
class Record:
    """A record as a log has it; None is the hyphen."""

    interface_id: str | None
    srcaddr: str | None
    dstaddr: str | None
    srcport: int | None
    dstport: int | None
    protocol: int | None
    packets: int | None
    bytes: int | None
    start: int | None
    end: int | None
    action: str | None
    log_status: str | None

    @property
    def line(self) -> str:
        values = (getattr(self, one.name) for one in fields(self))
        return " ".join("-" if value is None else str(value) for value in values)

    @property
    def start_time(self) -> datetime | None:
        return None if self.start is None else _utc(self.start)

    @property
    def end_time(self) -> datetime | None:
        return None if self.end is None else _utc(self.end)

    @property
    def moment(self) -> datetime:
        moment = self.start_time or self.end_time
        assert moment is not None
        return moment

    @property
    def refused(self) -> bool:
        return (self.action or "").upper() == "REJECT"

    @property
    def is_traffic(self) -> bool:
        return self.log_status not in ("NODATA", "SKIPDATA", "nodata")


@dataclass(frozen=True)
class Asked:
    """The parameters that every analysis has."""

    since: datetime | None
    until: datetime | None
    interface_id: str | None
    top: int | None

    @property
    def values(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def chosen(self, records: Iterable[Record]) -> list[Record]:
        return [
            record
            for record in records
            if self._in_window(record) and self.interface_id in (None, record.interface_id)
        ]

    def _in_window(self, record: Record) -> bool:
        if record.start_time is not None:
            return (self.since is None or record.start_time >= self.since) and (
                self.until is None or record.start_time < self.until
            )
        day = record.moment.date()
        return (self.since is None or day >= self.since.date()) and (
            self.until is None or _midnight(day) < self.until
        )


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


# ---- the same sums in plain Python


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _seen(records: Iterable[Record]) -> tuple[datetime | None, datetime | None]:
    starts = sorted(record.start_time for record in records if record.start_time is not None)
    return (starts[0], starts[-1]) if starts else (None, None)


def _groups(records: Iterable[Record], key: Callable[[Record], Row]) -> dict[Row, list[Record]]:
    groups: dict[Row, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups


def _rising(values: Iterable[Any]) -> Row:
    """A sort key: values in order, None after all others."""
    return tuple((value is None, 0 if value is None else value) for value in values)


def _falling(value: int | None) -> Row:
    return (value is None, 0 if value is None else -value)


def _key(by: str, record: Record) -> Row:
    if by == "pair":
        return (record.srcaddr, record.dstaddr)
    if by != "conversation":
        return (getattr(record, by),)
    source = (record.srcport, record.srcaddr)
    target = (record.dstport, record.dstaddr)
    (server_port, server), (client_port, client) = sorted([source, target])
    return (record.protocol, server, server_port, client, client_port)


def top_talkers(records: Iterable[Record], asked: Asked, by: str, metric: str) -> list[Row]:
    chosen = [record for record in asked.chosen(records) if record.is_traffic]
    sums = []
    for key, group in _groups(chosen, lambda record: _key(by, record)).items():
        packets, size = (_sum(record.packets for record in group), _sum(record.bytes for record in group))
        amount = {"bytes": size, "packets": packets, "flows": len(group)}[metric]
        sums.append((key, amount, (len(group), packets, size), _seen(group)))
    sums.sort(key=lambda one: (_falling(one[1]), _rising(one[0])))
    total = _sum(amount for _, amount, _, _ in sums)
    rows, running = [], None
    for key, amount, counts, seen in sums[: asked.top]:
        running = _sum([running, amount])
        shares = [Fraction(part, total) if part is not None and total else None for part in (amount, running)]
        rows.append((*key, *counts, *shares, *seen, 1))
    return rows


def rejected_sources(records: Iterable[Record], asked: Asked) -> list[Row]:
    refused = [record for record in asked.chosen(records) if record.refused and record.srcaddr is not None]
    rows = [
        (
            *key,
            len(group),
            _sum(record.packets for record in group),
            _sum(record.bytes for record in group),
            len({record.dstport for record in group}),
            len({record.dstaddr for record in group}),
            *_seen(group),
        )
        for key, group in _groups(refused, lambda record: (record.srcaddr,)).items()
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))[: asked.top]


def rejects(records: Iterable[Record], asked: Asked) -> list[Row]:
    def key(record: Record) -> Row:
        rest = (record.interface_id, record.srcaddr, record.srcport, record.dstaddr, record.dstport)
        more = (record.protocol, record.packets, record.bytes)
        return (_falling(_seconds(record.moment)), _falling(record.end), _rising(rest + more))

    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return [
        (
            record.start_time,
            record.end_time,
            days[record.moment.weekday()],
            record.interface_id,
            record.srcaddr,
            record.srcport,
            record.dstaddr,
            record.dstport,
            record.protocol,
            record.packets,
            record.bytes,
        )
        for record in sorted((one for one in asked.chosen(records) if one.refused), key=key)
    ][: asked.top]


def service_flows(records: Iterable[Record], asked: Asked, os: str) -> list[Row]:
    first, last = RANGES[os]

    def service(port: int | None) -> int | None:
        return None if port is None or first <= port <= last else port

    def key(record: Record) -> Row:
        return (
            record.interface_id,
            record.protocol,
            record.srcaddr,
            service(record.srcport),
            record.dstaddr,
            service(record.dstport),
            record.action and record.action.upper(),
        )

    chosen = [record for record in asked.chosen(records) if record.is_traffic]
    rows = [
        (
            *columns,
            len(group),
            _sum(record.packets for record in group),
            _sum(record.bytes for record in group),
            *_seen(group),
        )
        for columns, group in _groups(chosen, key).items()
    ]
    return sorted(rows, key=lambda row: (_falling(row[9]), -row[7], _rising(row[:7])))[: asked.top]


def ephemeral_ports(records: Iterable[Record], asked: Asked, os: str, bucket: str) -> list[Row]:
    first, last = RANGES[os]
    size = last - first + 1
    used: dict[Row, list[tuple[datetime, int, str | None]]] = defaultdict(list)
    for record in asked.chosen(records):
        if record.srcport is None or record.dstport is None or record.srcport == record.dstport:
            continue
        ends = [(record.srcport, record.srcaddr), (record.dstport, record.dstaddr)]
        (_, peer), (port, addr) = sorted(ends, key=lambda end: end[0])
        if first <= port <= last and not record.refused:
            seconds = _seconds(record.moment)
            moment = _utc(seconds - seconds % BUCKETS[bucket])
            used[addr, record.protocol].append((moment, port, peer))
    rows = []
    for key, uses in used.items():
        at_once = {moment: len({port for other, port, _ in uses if other == moment}) for moment, _, _ in uses}
        most = max(at_once.values())
        rows.append(
            (
                *key,
                first,
                last,
                size,
                len({port for _, port, _ in uses}),
                most,
                Fraction(most, size),
                min(moment for moment, ports in at_once.items() if ports == most),
                len({peer for _, _, peer in uses}),
            )
        )
    return sorted(rows, key=lambda row: (-row[6], -row[5], *row[:2]))[: asked.top]


# ---- records and questions

PORTS = st.sampled_from([0, 22, 443, 1024, 1025, 5000, 5001, 32767, 32768, 49151, 49152, 61000, 61001, 65535])
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.10", "2001:db8::1", "2001:db8::a"])
INTERFACES = st.sampled_from(["eni-0a", "eni-0b"])
SECONDS = st.sampled_from([0, 1, 59, 60, 599, 600, 86_399, 86_400, 86_401, 90_000, 172_800])
COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 2**40), st.none())


@st.composite
def traffic(draw: st.DrawFn) -> Record:
    moment = MONDAY + draw(SECONDS)
    # A record that has no start has an end at the least: else its date would be that of its delivery.
    start, end = draw(st.sampled_from([(0, 30), (0, 60), (0, None), (None, 0)]))
    return Record(
        interface_id=draw(INTERFACES),
        srcaddr=draw(ADDRESSES),
        dstaddr=draw(ADDRESSES),
        srcport=draw(PORTS),
        dstport=draw(PORTS),
        protocol=draw(st.sampled_from([1, 6, 17])),
        packets=draw(COUNTS),
        bytes=draw(COUNTS),
        start=None if start is None else moment,
        end=None if end is None else moment + end,
        action=draw(st.sampled_from(["ACCEPT", "REJECT", "reject", "accept", None])),
        log_status=draw(st.sampled_from(["OK", None])),
    )


@st.composite
def absence(draw: st.DrawFn) -> Record:
    start = MONDAY + draw(SECONDS)
    status = draw(st.sampled_from(["NODATA", "SKIPDATA", "nodata"]))
    nothing = dict.fromkeys(one.name for one in fields(Record))
    given = {"interface_id": draw(INTERFACES), "start": start, "end": start + 60, "log_status": status}
    return Record(**(nothing | given))


def in_order(asked: Asked) -> Asked:
    """The question with the earlier moment first: the other way round is an error."""
    if asked.since is None or asked.until is None or asked.since <= asked.until:
        return asked
    return replace(asked, since=asked.until, until=asked.since)


RECORDS = st.lists(st.one_of(traffic(), traffic(), traffic(), absence()), min_size=1, max_size=30)
MOMENTS = st.one_of(st.none(), SECONDS.map(lambda seconds: _utc(MONDAY + seconds)))
OPEN = Asked(None, None, None, None)
QUESTIONS = st.one_of(
    st.just(OPEN),
    st.builds(
        Asked,
        since=MOMENTS,
        until=MOMENTS,
        interface_id=st.one_of(st.none(), INTERFACES),
        top=st.one_of(st.none(), st.integers(0, 5)),
    ).map(in_order),
)


def questions(count: int) -> st.SearchStrategy[list[Asked]]:
    return st.lists(QUESTIONS, min_size=count, max_size=count)


@contextmanager
def store_of(records: Iterable[Record]) -> Iterator[FlowDB]:
    header = " ".join(one.name.replace("_", "-") for one in fields(Record))
    with TemporaryDirectory() as folder:
        log = Path(folder, "a.log")
        log.write_text("\n".join([header, *(record.line for record in records)]) + "\n", encoding="utf-8")
        with flowdb.open(Path(folder, "store")) as db:
            report = db.ingest(log, workers=1)
            assert (report.sources_ingested, report.bad_lines) == (1, 0)
            yield db


def assert_same(found: list[Row], expected: list[Row]) -> None:
    """Hold rows to be equal, and shares to be fractions that were rounded to six places."""
    assert [_without_fractions(row, model) for row, model in zip(found, expected, strict=False)] == [
        _without_fractions(row, row) for row in expected
    ]
    assert len(found) == len(expected)
    for row, model in zip(found, expected, strict=True):
        for value, exact in zip(row, model, strict=True):
            if isinstance(exact, Fraction):
                assert abs(Fraction(value) - exact) <= Fraction(500_001, 10**12)
                assert value == round(value, 6)


def _without_fractions(row: Row, model: Row) -> Row:
    return tuple(
        "a share" if isinstance(exact, Fraction) and value is not None else value
        for value, exact in zip(row, model, strict=True)
    )


# ---- the comparisons

quickly = settings(max_examples=8, derandomize=True, deadline=None)
ALL_RANKINGS = list(product(BYS, METRICS))
ALL_USES = list(product(RANGES, BUCKETS))


@settings(quickly, max_examples=4)
@given(RECORDS, questions(len(ALL_RANKINGS)))
def test_top_talkers_sums_as_python_does(records: list[Record], asked: list[Asked]) -> None:
    with store_of(records) as db:
        for (by, metric), one in zip(ALL_RANKINGS, asked, strict=True):
            found = db.top_talkers(by=by, metric=metric, **one.values).fetchall()
            assert_same(found, top_talkers(records, one, by, metric))


@quickly
@given(RECORDS, questions(8))
def test_rejected_sources_sums_as_python_does(records: list[Record], asked: list[Asked]) -> None:
    with store_of(records) as db:
        for one in asked:
            found = db.rejected_sources(**one.values).fetchall()
            assert_same(found, rejected_sources(records, one))


@quickly
@given(RECORDS, questions(8))
def test_rejects_lists_as_python_does(records: list[Record], asked: list[Asked]) -> None:
    with store_of(records) as db:
        for one in asked:
            assert_same(db.rejects(**one.values).fetchall(), rejects(records, one))


@quickly
@given(RECORDS, questions(2 * len(RANGES)))
def test_service_flows_sums_as_python_does(records: list[Record], asked: list[Asked]) -> None:
    with store_of(records) as db:
        for os, one in zip([*RANGES, *RANGES], asked, strict=True):
            found = db.service_flows(os=os, **one.values).fetchall()
            assert_same(found, service_flows(records, one, os))


@quickly
@given(RECORDS, questions(len(ALL_USES)))
def test_ephemeral_ports_counts_as_python_does(records: list[Record], asked: list[Asked]) -> None:
    with store_of(records) as db:
        for (os, bucket), one in zip(ALL_USES, asked, strict=True):
            found = db.ephemeral_ports(os=os, bucket=bucket, **one.values).fetchall()
            assert_same(found, ephemeral_ports(records, one, os, bucket))
