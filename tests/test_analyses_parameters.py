"""What parameters of analyses take and what not, in Python, in SQL and on the command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flowdb import FlowDB
from flowdb.analyses import analyses
from flowdb.cli import main
from flowdb.errors import ParameterError, QueryError, UsageError
from flowdb.parameters import Parameter, parse_parameter
from tests.cases import NAMES, GivenStores, given
from tests.cells import cells

BUCKETS = [name for name in NAMES if any(one.name == "bucket" for one in analyses()[name].parameters)]
BOUNDED = [
    (name, one) for name in NAMES for one in analyses()[name].parameters if one.least and "[" not in one.type
]


@pytest.fixture(scope="module")
def db(stores: GivenStores) -> FlowDB:
    """A store of the given log of top_talkers."""
    return stores["top_talkers"]


def said(db: FlowDB, name: str, **params: object) -> str:
    """What is said of parameters that are no good, after the name of the analysis."""
    with pytest.raises(UsageError) as raised:
        getattr(db, name)(**params)
    assert str(raised.value).startswith(f"{name}: ")
    return str(raised.value).removeprefix(f"{name}: ")


def failure(db: FlowDB, query: str) -> str:
    with pytest.raises((QueryError, duckdb.Error)) as raised:
        db.sql(query).fetchall()
    return str(raised.value)


def command(db: FlowDB, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    """The exit code of a command, and what it says."""
    code = main([*args, "--store", str(db.path), "--output", "csv"])
    return code, capsys.readouterr().err


# ---- lists


ONE_BAD = [f"10.0.{n // 256}.{n % 256}" for n in range(1000)] + ["10.0.0.0/99"]
LISTS = "addresses and ranges such as ['192.0.2.7', '10.0.0.0/8']"


def test_the_first_bad_entry_of_a_list_is_named(db: FlowDB) -> None:
    expected = f"cidrs has '10.0.0.0/99' as entry 1001 of 1001; expected {LISTS}"
    assert said(db, "in_list", cidrs=ONE_BAD) == expected
    assert said(db, "in_list", cidrs=iter(ONE_BAD)) == expected
    weekdays = said(db, "outside_hours", weekdays=[1, 8, 9])
    assert weekdays == "weekdays has 8 as entry 2 of 3; expected whole numbers from 1 to 7, such as [1, 6]"


def test_the_line_of_the_first_bad_entry_of_a_file_is_named(
    db: FlowDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list"
    path.write_text("\n".join(["# known attackers", "", *ONE_BAD, "x"]), encoding="utf-8")
    expected = f"cidrs has '10.0.0.0/99' in line 1003 of {str(path)!r}; expected {LISTS}"
    assert said(db, "in_list", cidrs=path) == expected
    assert command(db, capsys, "in-list", f"@{path}") == (2, f"flowdb: error: in_list: {expected}\n")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_list_file_that_is_no_utf_8_is_an_error(
    encoding: str, db: FlowDB, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list"
    path.write_text("10.0.0.1 # Zürich\n", encoding=encoding)
    expected = f"cidrs is {str(path)!r}, which is not a text in UTF-8; expected {LISTS}"
    assert said(db, "in_list", cidrs=path) == expected
    assert command(db, capsys, "in-list", f"@{path}") == (2, f"flowdb: error: in_list: {expected}\n")


def test_all_on_the_command_line_is_null_for_a_list_that_has_a_default(
    db: FlowDB, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(db.path), "--output", "csv"]
    assert main(["port-probes", "--ports", "all", "--threshold", "1", *store]) == 0
    every = capsys.readouterr().out
    assert main(["port-probes", "--threshold", "1", *store]) == 0
    assert every != capsys.readouterr().out
    relation = db.port_probes(ports=None, threshold=1)
    assert every.count("\n") == 1 + len(relation.fetchall()) > 1
    code, text = command(db, capsys, "in-list", "all")
    assert (code, text) == (2, f"flowdb: error: in_list: cidrs is ['all']; expected {LISTS}\n")


def test_help_says_what_an_argument_is_and_how_a_list_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["in-list", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    listed = "a list is written with commas, or as @FILE, one in each line"
    assert f"CIDRS is the list: addresses and ranges; {listed}. " in said
    assert main(["accepted-ports", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Destination ports; by default the well-known ones, 0 to 1023; {listed}." in said


def test_a_list_file_that_cannot_be_read_is_an_error(db: FlowDB, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    reason = "which cannot be read (No such file or directory)"
    assert said(db, "in_list", cidrs=missing) == f"cidrs is {str(missing)!r}, {reason}; expected {LISTS}"
    reason = "which cannot be read (Is a directory)"
    assert said(db, "in_list", cidrs=tmp_path) == f"cidrs is {str(tmp_path)!r}, {reason}; expected {LISTS}"


def test_a_list_file_may_begin_with_a_mark_of_utf_8(db: FlowDB, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("10.0.0.0/8\n192.0.2.0/24\n", encoding="utf-8-sig")
    assert cells(db.in_list(cidrs=path)) == cells(db.in_list(cidrs=["10.0.0.0/8", "192.0.2.0/24"]))


def test_a_long_value_is_shown_without_its_middle(db: FlowDB) -> None:
    error = said(db, "traffic_of", addr="1" * 5000)
    shown = f"'{'1' * 59}...{'1' * 16}'"
    assert error == f"addr is {shown}; expected an address, or a range such as 10.0.0.0/8"


# ---- lengths of time


LENGTH = (
    "a length of time more than 0, such as '5 minutes', in milliseconds, seconds, minutes, hours, days,"
    " weeks, months or years"
)


@pytest.mark.parametrize(
    "bucket", ["0 seconds", "00:00", "-1 hour", "abc", "\u0661 hour", "0.0001 milliseconds"]
)
@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_that_is_no_length_of_time_is_an_error(
    name: str, bucket: str, db: FlowDB, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = f"bucket is {bucket!r}; expected {LENGTH}"
    assert said(db, name, bucket=bucket) == expected
    asked = command(db, capsys, name.replace("_", "-"), "--bucket", bucket)
    assert asked == (2, f"flowdb: error: {name}: {expected}\n")


@pytest.mark.parametrize("bucket", [timedelta(0), timedelta(seconds=-1), timedelta.max, None])
@pytest.mark.parametrize("name", BUCKETS)
def test_a_length_that_is_none_is_an_error(name: str, bucket: object, db: FlowDB) -> None:
    assert said(db, name, bucket=bucket) == f"bucket is {bucket!r}; expected {LENGTH}"


@pytest.mark.parametrize("bucket", ["0 seconds", "-1 hour"])
@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_that_is_no_length_of_time_is_an_error_in_sql(name: str, bucket: str, db: FlowDB) -> None:
    found = failure(db, f"FROM {name}(bucket := '{bucket}')").splitlines()[0]
    assert found.endswith(
        f"bucket is '{bucket}'; expected a length of time, more than 0, such as '5 minutes'"
    )


@pytest.mark.parametrize(
    "bucket", ["1 month", "2 years", "500 milliseconds", "1:30", timedelta(milliseconds=500)]
)
@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_may_be_of_any_unit(name: str, bucket: object, db: FlowDB) -> None:
    until = datetime(2024, 1, 15, 0, 5)
    written = f"INTERVAL '{bucket}'" if isinstance(bucket, str) else "INTERVAL '500 milliseconds'"
    answer = cells(getattr(db, name)(bucket=bucket, until=until))
    assert answer == cells(db.sql(f"FROM {name}(bucket := {written}, until := '{until}')"))


def test_a_month_is_that_of_the_calendar(db: FlowDB) -> None:
    (first, *_) = db.traffic_over_time(bucket="1 month").fetchall()
    assert first[0] == datetime(2024, 1, 1)


def test_a_length_of_nothing_is_one_where_it_means_something(db: FlowDB) -> None:
    assert cells(db.long_flows(minimum="0 seconds", pause=timedelta(0)))
    assert cells(db.late_records(threshold="0 seconds"))


# ---- bounds, and NULL


@pytest.mark.parametrize(("name", "parameter"), BOUNDED, ids=lambda value: getattr(value, "name", value))
def test_less_than_the_least_is_an_error_that_names_it(name: str, parameter: Parameter, db: FlowDB) -> None:
    assert parameter.least is not None
    below = parameter.least - 1
    error = said(db, name, **given(name) | {parameter.name: below})
    assert error == f"{parameter.name} is {below}; expected {parameter.expected}"
    assert re.search(rf"\b{parameter.least}\b", parameter.expected)


@pytest.mark.parametrize(("name", "parameter"), BOUNDED, ids=lambda value: getattr(value, "name", value))
def test_less_than_the_least_is_an_error_in_sql(name: str, parameter: Parameter, stores: GivenStores) -> None:
    assert parameter.least is not None
    query = analyses()[name].call(given(name) | {parameter.name: parameter.least - 1})
    found = failure(stores[name], query.removesuffix(";"))
    assert f"{parameter.name} is {parameter.least - 1}; expected a number" in found


@pytest.mark.parametrize("name", NAMES)
def test_none_is_a_value_only_where_it_means_something(name: str, db: FlowDB) -> None:
    nothing: dict[str, object] = {}
    for one in analyses()[name].parameters:
        if (one.default is None and not one.is_required) or "NULL" in one.meaning:
            nothing[one.name] = None
        else:
            params = given(name) | {one.name: None}
            assert said(db, name, **params) == f"{one.name} is None; expected {one.expected}"
    if name in ("unanswered", "unencrypted"):  # what they are about is in none of these logs
        nothing["top"] = None  # whose rows are computed when they are fetched
    assert getattr(db, name)(**given(name) | nothing).columns


@pytest.mark.parametrize(
    "args",
    [
        ("first-seen", "--days", "1000000000"),
        ("first-seen", "--days", "0"),
        ("first-seen", "--days", "all"),
        ("beacons", "--window-seconds", "4294967296"),
        ("beacons", "--contacts", "all"),
        ("fan-out", "--ports", "0"),
        ("fan-out", "--ports", "\u0663"),
        ("outside-hours", "--from-hour", "25"),
        ("outside-hours", "--from-hour", "all"),
        ("outside-hours", "--to-hour", "1700"),
        ("outside-hours", "--weekdays", "1,8"),
        ("outside-hours", "--utc-offset", "99:99"),
        ("large-transfers", "--threshold", "all"),
        ("top-talkers", "--port", "99999"),
        ("top-talkers", "--action", "DENY"),
        ("traffic-of", "10.0.0.0/255.0.0.0"),
        ("cross-az", "--region", "mars"),
        ("nat-traffic", "--region", "mars"),
        ("gateway-endpoint-savings", "--region", "mars"),
    ],
)
def test_a_command_with_a_bad_value_ends_with_one_sentence(
    args: tuple[str, ...], db: FlowDB, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = command(db, capsys, *args)
    assert (code, error.count("\n")) == (2, 1)
    assert error.startswith("flowdb: error: ")
    assert "expected" in error or "not one of" in error


def test_a_region_is_one_of_the_price_table(db: FlowDB) -> None:
    regions = ", ".join(
        row[0] for row in db.sql("SELECT DISTINCT region FROM prices ORDER BY ALL").fetchall()
    )
    assert said(db, "cross_az", region="mars") == f"region is 'mars'; expected one of: {regions}"
    db.sql(
        "CREATE TEMP VIEW prices AS"
        " SELECT 'nat-gateway' AS item, 'mars' AS region, 0.1 AS dollars, NULL AS as_of"
    )
    try:
        assert db.cross_az(region="mars").columns
        assert said(db, "cross_az", region="us-east-1") == "region is 'us-east-1'; expected one of: mars"
    finally:
        db.sql("DROP VIEW temp.prices")


def test_all_is_offered_only_where_there_is_such_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["beacons", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    offered = {line.split()[0] for line in lines if re.match(r"\s+--\S+ N\|all\b", line)}
    assert offered == {"--window-seconds", "--top"}


def test_an_action_is_one_of_two_in_any_case(db: FlowDB) -> None:
    refused = cells(db.top_talkers(action="REJECT"))
    assert len(refused) > 1
    assert cells(db.top_talkers(action="reject")) == refused
    assert said(db, "top_talkers", action="DENY") == "action is 'DENY'; expected one of: ACCEPT, REJECT"
    assert "action is 'DENY'; expected one of: ACCEPT, REJECT" in failure(
        db, "FROM top_talkers(action := 'DENY')"
    )


def test_bounds_are_part_of_a_header() -> None:
    found = parse_parameter("ports INTEGER[] 0..65535 = [22] -- ports; NULL for all")
    assert (found.least, found.most, found.default, found.takes_none) == (0, 65535, (22,), True)
    assert found.allowed == "Whole numbers from 0 to 65535, such as [1, 6]."
    found = parse_parameter("days INTEGER 1.. = 14 -- days")
    assert (found.least, found.most, found.default, found.takes_none) == (1, None, 14, False)
    assert found.allowed == "A whole number, 1 or more."


# ---- ranges of addresses, keys, windows


def test_a_range_is_what_it_is_in_sql(db: FlowDB) -> None:
    lengths = [
        "",
        "/",
        "/0",
        "/8",
        "/08",
        "/32",
        "/33",
        "/128",
        "/129",
        "/255.0.0.0",
        "/+8",
        "/ 8",
        "/8/8",
        "/\u0668",
    ]
    addresses = [
        "10.0.0.0", "10.0.0", "010.0.0.0", "10.0.0.256", " 10.0.0.0", "10.0.0.0 ", "10.0.0.0\n", "",
        "\u0661.0.0.0", "::", "::1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "1::2::3", "1:2", "::ffff:192.0.2.1", "64:ff9b::192.0.2.300", "12345::", "G::",
        "1:2:3:4:5:6:192.0.2.1", "[::1]", "2001:DB8::",
    ]  # fmt: skip
    parameter = next(one for one in analyses()["traffic_of"].parameters if one.name == "addr")
    texts = [address + length for address in addresses for length in lengths]
    in_sql = dict(db.sql("SELECT t, is_cidr(t) FROM unnest($texts) AS v (t)", {"texts": texts}).fetchall())
    taken = {}
    for text in texts:
        try:
            taken[text] = parameter.checked("traffic_of", text) == text
        except ParameterError:
            taken[text] = False
    assert taken == in_sql
    assert sum(taken.values()) > 30


@pytest.mark.parametrize("by", ["conversation,srcport", "conversation,pair", "srcaddr, conversation"])
def test_a_conversation_stands_alone(by: str, db: FlowDB, capsys: pytest.CaptureFixture[str]) -> None:
    listed = ", ".join(next(one for one in analyses()["top_talkers"].parameters if one.name == "by").choices)
    expected = f"by is {by!r}; expected one of, or two with a comma between (conversation alone): {listed}"
    assert said(db, "top_talkers", by=by) == expected
    assert command(db, capsys, "top-talkers", "--by", by) == (2, f"flowdb: error: top_talkers: {expected}\n")
    in_sql = failure(db, f"FROM top_talkers(\"by\" := '{by}')")
    assert f"by is '{by}'; expected one of, or two with a comma between (conversation alone): " in in_sql


@pytest.mark.parametrize("by", [" conversation", "conversation ", " pair", "srcaddr , dstport"])
def test_spaces_around_keys_do_not_matter(by: str, db: FlowDB) -> None:
    plain = by.replace(" ", "")
    answer = cells(db.top_talkers(by=plain))
    assert cells(db.top_talkers(by=by)) == answer
    assert cells(db.sql(f"FROM top_talkers(\"by\" := '{by}')")) == answer
    assert cells(db.sql(f"FROM top_talkers(\"by\" := '{plain}')")) == answer


def test_a_window_that_ends_before_it_begins_is_an_error(
    db: FlowDB, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = "since, 2024-01-17 00:00:00, is after until, 2024-01-14 00:00:00"
    assert said(db, "rejects", since="2024-01-17", until="2024-01-14") == expected
    asked = command(db, capsys, "rejects", "--since", "2024-01-17", "--until", "2024-01-14")
    assert asked == (2, f"flowdb: error: rejects: {expected}\n")


def test_a_time_may_be_one_of_numpy(db: FlowDB) -> None:
    numpy = pytest.importorskip("numpy")
    answer = cells(db.rejects(since=datetime(2024, 1, 15, 0, 1)))
    for unit in ("s", "ms", "us", "ns"):
        assert cells(db.rejects(since=numpy.datetime64("2024-01-15T00:01:00", unit))) == answer
    assert cells(db.rejects(since=numpy.datetime64("2024-01-15", "D"))) == cells(
        db.rejects(since="2024-01-15")
    )
    assert said(db, "rejects", since=numpy.datetime64("NaT")).endswith("expected a date or a time (UTC)")
