"""The functions that analyses are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.errors import QueryError

SQL = Path(__file__).parent.parent / "sql"
RANGES = {
    "rfc6056": (1024, 65535),
    "iana": (49152, 65535),
    "freebsd": (49152, 65535),
    "linux": (32768, 61000),
    "linux-4.2": (32768, 60999),
    "windows-xp": (1025, 5000),
    "windows-server-2003": (1025, 5000),
    "windows-vista": (49152, 65535),
    "windows-server-2008": (49152, 65535),
    "nat-gateway": (1024, 65535),
}
DAY = "DATE '2024-01-15'"
NOON = "TIMESTAMP '2024-01-15 12:00:00'"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store without records."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "a.log").write_text("srcaddr dstaddr\n", encoding="utf-8")
    with flowdb.open(folder / "store") as opened:
        opened.ingest(folder / "a.log")
        yield opened


def value(db: FlowDB, expression: str) -> Any:
    ((found,),) = db.sql(f"SELECT {expression}").fetchall()
    return found


def failure(db: FlowDB, expression: str) -> str:
    """What is said of an expression that fails when it is asked or when it runs."""
    with pytest.raises((QueryError, duckdb.Error)) as raised:
        value(db, expression)
    return str(raised.value)


# ---- ephemeral ports


@pytest.mark.parametrize("os", RANGES)
def test_a_range_has_its_first_and_its_last_port_and_none_beyond(os: str, db: FlowDB) -> None:
    first, last = RANGES[os]
    ports = (0, first - 1, first, first + 1, last - 1, last, last + 1)
    found = {port: value(db, f"is_ephemeral({port}, os := '{os}')") for port in ports}
    assert found == {port: first <= port <= last for port in ports}


def test_there_are_these_ranges_and_no_others(db: FlowDB) -> None:
    rows = db.sql("FROM ephemeral_ranges").project("name, first_port, last_port, ports").fetchall()
    assert rows == [(name, first, last, last - first + 1) for name, (first, last) in RANGES.items()]


def test_every_range_says_whose_it_is(db: FlowDB) -> None:
    meanings = [row[0] for row in db.sql("SELECT meaning FROM ephemeral_ranges").fetchall()]
    assert all(meanings)
    assert len(set(meanings)) == len(RANGES)


def test_the_range_is_that_of_linux_unless_another_is_named(db: FlowDB) -> None:
    ports = (32767, 32768, 61000, 61001)
    assert [value(db, f"is_ephemeral({port})") for port in ports] == [False, True, True, False]


@pytest.mark.parametrize("os", [f"'{name}'" for name in RANGES])
def test_no_port_is_neither_in_a_range_nor_out_of_it(os: str, db: FlowDB) -> None:
    assert value(db, f"is_ephemeral(NULL, os := {os})") is None


@pytest.mark.parametrize("os", ["LINUX", "Linux", "lInUx", "WINDOWS-XP", "Windows-XP", "RFC6056", "IANA"])
def test_a_system_is_known_in_capitals_too(os: str, db: FlowDB) -> None:
    first, last = RANGES[os.lower()]
    found = [value(db, f"is_ephemeral({port}, os := '{os}')") for port in (first - 1, first, last, last + 1)]
    assert found == [False, True, True, False]


def test_each_row_may_have_its_own_system(db: FlowDB) -> None:
    rows = db.sql(
        """
        SELECT port, os, is_ephemeral(port, os := os)
        FROM (
            VALUES
                (1024, 'nat-gateway'), (1024, 'windows-xp'), (1025, 'windows-xp'), (5001, 'Windows-XP'),
                (61000, 'linux'), (61000, 'linux-4.2'), (49151, 'iana'), (NULL, 'iana')
        ) AS hosts (port, os)
        """
    ).fetchall()
    assert rows == [
        (1024, "nat-gateway", True),
        (1024, "windows-xp", False),
        (1025, "windows-xp", True),
        (5001, "Windows-XP", False),
        (61000, "linux", True),
        (61000, "linux-4.2", False),
        (49151, "iana", False),
        (None, "iana", None),
    ]


@pytest.mark.parametrize("os", ["plan9", "", "linux ", "linux%", "windows"])
def test_an_unknown_system_is_an_error_that_lists_those_that_are_known(os: str, db: FlowDB) -> None:
    said = failure(db, f"is_ephemeral(40000, os := '{os}')")
    assert f"os is '{os}'; expected one of: {', '.join(sorted(RANGES))}" in said.splitlines()[0]


def test_one_row_of_an_unknown_system_is_enough_for_an_error(db: FlowDB) -> None:
    rows = "(VALUES (40000, 'linux'), (40000, 'plan9')) AS hosts (port, os)"
    said = failure(db, f"count(is_ephemeral(port, os := os)) FROM {rows}")
    assert "os is 'plan9'; expected one of: freebsd, iana, linux," in said


@pytest.mark.parametrize("os", RANGES)
def test_ephemeral_port_gives_the_first_the_last_and_the_number(os: str, db: FlowDB) -> None:
    found = tuple(value(db, f"ephemeral_port('{os}', '{which}')") for which in ("first", "last", "ports"))
    first, last = RANGES[os]
    assert found == (first, last, last - first + 1)


# ---- windows of time


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        ("NULL", "NULL", True),
        (NOON, "NULL", True),
        (f"{NOON} + INTERVAL 1 MICROSECOND", "NULL", False),
        ("NULL", NOON, False),
        ("NULL", f"{NOON} + INTERVAL 1 MICROSECOND", True),
        (NOON, NOON, False),
        (DAY, f"{DAY} + 1", True),
        (DAY, DAY, False),
        (f"{DAY} + 1", "NULL", False),
        ("'2024-01-15'", "'2024-01-16'", True),
        ("'2024-01-15 12:00:00'", "'2024-01-15 12:00:01'", True),
        ("'2024-01-15T12:00:00.001'", "NULL", False),
        ("'2024-01-15T12:00:00Z'", "'2024-01-15T13:00:00Z'", True),
        ("NULL", "'2024-01-15T12:00:00Z'", False),
    ],
)
def test_a_moment_is_in_a_window_from_since_until_before_until(
    since: str, until: str, inside: bool, db: FlowDB
) -> None:
    assert value(db, f"in_window({DAY}, {NOON}, {since}, {until})") is inside


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        ("NULL", "NULL", True),
        (DAY, "NULL", True),
        (NOON, "NULL", True),
        ("'2024-01-15 23:59:59'", "NULL", True),
        (f"{DAY} + 1", "NULL", False),
        ("NULL", DAY, False),
        ("NULL", "'2024-01-15 00:00:01'", True),
        ("NULL", NOON, True),
        (DAY, f"{DAY} + 1", True),
        (f"{DAY} - 1", DAY, False),
    ],
)
def test_a_record_without_a_moment_is_in_every_window_that_touches_its_date(
    since: str, until: str, inside: bool, db: FlowDB
) -> None:
    assert value(db, f"in_window({DAY}, NULL::TIMESTAMP, {since}, {until})") is inside


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        ("'2024-01-16T01:00:00+13:00'", "NULL", True),
        ("'2024-01-15T07:00:01-05:00'", "NULL", False),
        ("NULL", "'2024-01-15 14:00:00+02'", False),
        ("NULL", "'2024-01-15 07:00:01-05'", True),
    ],
)
def test_a_text_of_another_zone_is_the_same_moment(since: str, until: str, inside: bool, db: FlowDB) -> None:
    assert value(db, f"in_window({DAY}, {NOON}, {since}, {until})") is inside


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_zone_of_the_session_does_not_matter(zone: str, db: FlowDB) -> None:
    moment = "TIMESTAMPTZ '2024-01-15 12:00:00+00:00'"
    expressions = [
        f"in_window({DAY}, {NOON}, {moment}, NULL)",
        f"in_window({DAY}, {NOON}, NULL, {moment})",
        f"in_window({DAY}, {NOON}, {moment} + INTERVAL 1 SECOND, NULL)",
        f"in_window({DAY}, {NOON}, NULL, {moment} + INTERVAL 1 SECOND)",
    ]
    db.sql(f"SET TimeZone = '{zone}'")
    try:
        assert [value(db, one) for one in expressions] == [True, False, False, True]
    finally:
        db.sql("RESET TimeZone")


# ---- the moment of a record


@pytest.mark.parametrize(
    ("start", "end", "moment"),
    [
        (NOON, f"{NOON} + INTERVAL 10 MINUTE", f"{NOON}"),
        (NOON, f"{NOON} - INTERVAL 10 MINUTE", f"{NOON}"),
        (NOON, f"{NOON} + INTERVAL 1 DAY", f"{NOON}"),
        (NOON, f"{NOON} - INTERVAL 1 DAY", f"{NOON}"),
        (
            NOON,
            f"{NOON} + INTERVAL 1 DAY + INTERVAL 1 MILLISECOND",
            f"{NOON} + INTERVAL 86400001 MILLISECOND",
        ),
        (NOON, f"{NOON} - INTERVAL 86400001 MILLISECOND", f"{NOON} - INTERVAL 86400001 MILLISECOND"),
        (NOON, "NULL::TIMESTAMP", NOON),
        ("NULL::TIMESTAMP", NOON, NOON),
        ("NULL::TIMESTAMP", "NULL::TIMESTAMP", f"{DAY}::TIMESTAMP"),
    ],
)
def test_a_record_counts_at_its_start_unless_its_end_or_its_date_tells_better(
    start: str, end: str, moment: str, db: FlowDB
) -> None:
    assert value(db, f"record_moment({start}, {end}, {DAY}) = {moment}") is True


# ---- the others


@pytest.mark.parametrize(
    ("status", "traffic"),
    [
        ("'OK'", True),
        ("'ok'", True),
        ("NULL", True),
        ("'NODATA'", False),
        ("'nodata'", False),
        ("'SKIPDATA'", False),
        ("'SkipData'", False),
        ("'NODATA '", True),
    ],
)
def test_a_record_is_of_traffic_unless_its_status_says_otherwise(
    status: str, traffic: bool, db: FlowDB
) -> None:
    assert value(db, f"is_traffic({status}, 1, '10.0.0.1')") is traffic


@pytest.mark.parametrize(
    ("evidence", "traffic"), [("NULL, NULL", False), ("0, NULL", True), ("NULL, '10.0.0.1'", True)]
)
def test_without_a_status_bytes_or_a_source_tell_of_traffic(evidence: str, traffic: bool, db: FlowDB) -> None:
    assert value(db, f"is_traffic(NULL, {evidence})") is traffic


def test_a_total_stops_at_the_largest_number(db: FlowDB) -> None:
    largest = 2**63 - 1
    rows = db.sql(
        f"SELECT total(n) FROM (VALUES (1, {largest}), (1, 1), (2, 3), (3, NULL)) v (k, n) GROUP BY k"
    )
    assert rows.order("ALL").fetchall() == [(3,), (largest,), (None,)]


def test_one_of_those_allowed_is_true(db: FlowDB) -> None:
    assert [value(db, f"one_of('by', '{one}', ['a', 'b', 'c'])") for one in "abc"] == [True, True, True]


@pytest.mark.parametrize(
    ("given", "shown"),
    [("'d'", "'d'"), ("''", "''"), ("'A'", "'A'"), ("'a, b'", "'a, b'"), ("NULL", "NULL")],
)
def test_what_is_not_one_of_those_allowed_is_an_error_that_lists_them(
    given: str, shown: str, db: FlowDB
) -> None:
    said = failure(db, f"one_of('by', {given}, ['a', 'b', 'c'])")
    assert said.splitlines()[0].endswith(f"by is {shown}; expected one of: a, b, c")


@pytest.mark.parametrize("path", sorted((SQL / "functions").glob("*.sql")), ids=lambda path: path.stem)
def test_the_header_of_a_function_has_its_parameters_and_defaults(path: Path, db: FlowDB) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- summary: .+\.\n", text)
    header = re.findall(r"^-- param: (\w+) [A-Z]+(?:\[\])?(?: = (\S+))? -- .+$", text, re.MULTILINE)
    macro = re.search(rf"^CREATE OR REPLACE MACRO {path.stem}\((.*)\) AS", text, re.MULTILINE)
    assert macro is not None
    parameters = (one.partition(" := ") for one in macro[1].split(", ") if one)
    assert header == [(name, default) for name, _, default in parameters]
    query = "SELECT parameters FROM duckdb_functions() WHERE function_name = $name"
    assert db.sql(query, {"name": path.stem}).fetchall() == [([name for name, _ in header],)]


@pytest.mark.parametrize("moment", ["DATE '2024-01-15'", NOON, "'2024-01-15'", "'2024-01-15T12:00:00'"])
def test_a_day_of_the_week_is_that_of_a_date_a_time_or_a_text(moment: str, db: FlowDB) -> None:
    assert value(db, f"day_of_week({moment})") == "Monday"


def test_no_moment_is_on_no_day_of_the_week(db: FlowDB) -> None:
    assert value(db, "day_of_week(NULL)") is None


# ---- the records of an address


def test_the_flows_of_an_address_are_those_of_which_an_end_is_it(tmp_path: Path) -> None:
    ends = [("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("-", "10.0.0.1")]
    ends += [("10.0.0.1", "-"), ("10.0.0.11", "10.0.0.2"), ("-", "-")]
    lines = ["srcaddr dstaddr start end"]
    lines += [f"{a} {b} {at} {at}" for at in (1705276800, 1705363200, 1705449600) for a, b in ends]
    (tmp_path / "a.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with flowdb.open(tmp_path / "store") as opened:
        opened.ingest(tmp_path / "a.log")

        def found(given: str) -> list[tuple[str | None, str | None]]:
            query = f"SELECT coalesce(srcaddr, '-'), coalesce(dstaddr, '-') FROM flows_of({given})"
            return sorted(opened.sql(query).fetchall())

        own = [pair for pair in ends if "10.0.0.1" in pair]
        assert found("'10.0.0.1'") == sorted(own * 3)
        assert found("'10.0.0.1', since := '2024-01-16', until := '2024-01-17'") == sorted(own)
        assert found("'192.0.2.1'") == []
