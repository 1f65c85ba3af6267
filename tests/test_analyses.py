"""Every analysis: its cases, and that its file, its macro and its method say the same."""

from __future__ import annotations

import csv
import inspect
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

import flowdb
from flowdb import FlowDB
from flowdb.analyses import Analysis, Parameter, analyses
from flowdb.errors import ParameterError, QueryError, UsageError
from tests.cells import cells, csv_file_cells

CASES = Path(__file__).parent / "analyses"
SQL = Path(__file__).parent.parent / "sql"
NAMES = sorted(path.stem for path in (SQL / "analyses").rglob("*.sql"))
# What "the key" in the header of `top_talkers` stands for.
KEYS = {
    "srcaddr": ["srcaddr"],
    "dstaddr": ["dstaddr"],
    "pair": ["srcaddr", "dstaddr"],
    "conversation": ["protocol", "server", "server_port", "client", "client_port"],
    "interface_id": ["interface_id"],
    "dstport": ["dstport"],
    "protocol": ["protocol"],
}
# When a given log was last changed, and so delivered, as its name does not tell.
DELIVERED = datetime(2024, 1, 15, 15, 30, tzinfo=UTC).timestamp()
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end"
    " action log-status"
)


@dataclass(frozen=True)
class Case:
    """A question to an analysis, and the file that has the answer."""

    analysis: str
    name: str
    params: dict[str, Any]
    expected: str
    shows: str

    def __str__(self) -> str:
        return f"{self.analysis}: {self.name}"


def _cases() -> Iterator[Case]:
    for folder in sorted(path for path in CASES.iterdir() if path.is_dir()):
        yield Case(folder.name, "default", {}, "expected.csv", "What the defaults answer.")
        if (folder / "cases.toml").exists():
            for case in tomllib.loads((folder / "cases.toml").read_text(encoding="utf-8"))["case"]:
                yield Case(folder.name, **case)


ALL_CASES = list(_cases())
CHOICES = [(name, one) for name in NAMES for one in analyses()[name].parameters if one.choices]


def given_store(folder: Path, name: str) -> FlowDB:
    log = Path(shutil.copy(CASES / name / "given.log", folder))
    os.utime(log, (DELIVERED, DELIVERED))
    db = flowdb.open(folder / "store")
    report = db.ingest(log)
    assert (report.sources_ingested, report.bad_lines) == (1, 0)
    return db


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
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlowDB]]:
    """The given log of each analysis, in a store."""
    names = [name for name in NAMES if (CASES / name / "given.log").exists()]
    opened = {name: given_store(tmp_path_factory.mktemp(name), name) for name in names}
    yield opened
    for db in opened.values():
        db.close()


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of a refused and an accepted record at 12:00 of each of three days."""
    days = ("2024-01-14T12:00", "2024-01-15T12:00", "2024-01-16T12:00")
    lines = [record(day, f"10.0.1.{number}") for number, day in enumerate(days)]
    lines += [record(day, f"10.0.2.{number}", "ACCEPT") for number, day in enumerate(days)]
    with store_of(tmp_path_factory.mktemp("three_days"), *lines) as db:
        yield db


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store that was made, and has no record."""
    with store_of(tmp_path_factory.mktemp("empty")) as db:
        yield db


# ---- cases


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_an_analysis_answers_as_expected(case: Case, stores: dict[str, FlowDB]) -> None:
    answer = cells(getattr(stores[case.analysis], case.analysis)(**case.params))
    assert answer == csv_file_cells(CASES / case.analysis / case.expected), case.shows


@pytest.mark.parametrize("name", NAMES)
def test_every_analysis_has_a_given_log_and_an_expected_answer_with_rows(name: str) -> None:
    assert (CASES / name / "given.log").is_file()
    assert len(csv_file_cells(CASES / name / "expected.csv")) > 1


def test_every_file_of_cases_is_that_of_an_analysis_and_is_used() -> None:
    expected = {f"{name}/{file}" for name in NAMES for file in ("given.log", "cases.toml")}
    expected |= {f"{case.analysis}/{case.expected}" for case in ALL_CASES}
    found = {path.relative_to(CASES).as_posix() for path in CASES.rglob("*") if path.is_file()}
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_given_in_a_case(name: str) -> None:
    given = {param for case in ALL_CASES if case.analysis == name for param in case.params}
    assert given == {parameter.name for parameter in analyses()[name].parameters}


@pytest.mark.parametrize("name", NAMES)
def test_a_given_log_has_both_families_and_records_that_must_not_count(name: str) -> None:
    lines = (CASES / name / "given.log").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(" ")
    records = [dict(zip(names, line.split(" "), strict=True)) for line in lines[1:]]
    assert {"OK", "NODATA", "SKIPDATA"} <= {one["log-status"] for one in records}
    assert {"1", "6", "17", "-"} <= {one["protocol"] for one in records}
    assert any(":" in one["srcaddr"] for one in records)
    assert any("." in one["srcaddr"] for one in records)
    assert any(one["start"] == "-" for one in records)
    assert any(one["bytes"] == "-" for one in records if one["srcaddr"] != "-")


# ---- the file, the macro and the method


def documented_columns(analysis: Analysis, by: str = "srcaddr") -> list[str]:
    columns = [name.strip() for name in analysis.columns.split(",")]
    return [name for column in columns for name in (KEYS[by] if column == "the key" else [column])]


def macro_parameters(name: str) -> dict[str, str]:
    """The parameters and defaults that the statement itself has."""
    (path,) = (SQL / "analyses").rglob(f"{name}.sql")
    match = re.search(rf"^CREATE OR REPLACE MACRO {name}\((.*?)\) AS TABLE$", path.read_text(), re.M | re.S)
    assert match is not None
    pairs = (parameter.split(":=") for parameter in next(csv.reader([match[1].replace("\n", " ")])))
    return {parameter.strip().strip('"'): default.strip() for parameter, default in pairs}


def literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_are_those_of_the_header(name: str, stores: dict[str, FlowDB]) -> None:
    assert stores[name].sql(f"FROM {name}()").columns == documented_columns(analyses()[name])


@pytest.mark.parametrize("by", KEYS)
def test_top_talkers_begins_with_its_key(by: str, stores: dict[str, FlowDB]) -> None:
    answer = stores["top_talkers"].top_talkers(by=by)
    assert answer.columns == documented_columns(analyses()["top_talkers"], by)


def test_every_key_of_top_talkers_is_known_here() -> None:
    (by,) = (one for one in analyses()["top_talkers"].parameters if one.name == "by")
    assert set(KEYS) == set(by.choices)


@pytest.mark.parametrize("name", NAMES)
def test_the_macro_has_the_parameters_and_defaults_of_the_header(name: str) -> None:
    header = {one.name: literal(one.default) for one in analyses()[name].parameters}
    assert list(macro_parameters(name).items()) == list(header.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_macro_in_the_store_has_the_parameters_of_the_header(
    name: str, stores: dict[str, FlowDB]
) -> None:
    query = "SELECT parameters FROM duckdb_functions() WHERE function_name = $name"
    found = stores[name].sql(query, {"name": name}).fetchall()
    assert found == [([one.name for one in analyses()[name].parameters],)]


@pytest.mark.parametrize("name", NAMES)
def test_defaults_written_out_change_nothing(name: str, stores: dict[str, FlowDB]) -> None:
    given = ", ".join(f'"{one.name}" := {literal(one.default)}' for one in analyses()[name].parameters)
    db = stores[name]
    assert cells(db.sql(f"FROM {name}({given})")) == cells(db.sql(f"FROM {name}()"))


@pytest.mark.parametrize(
    ("name", "parameter", "choice"),
    [(name, one.name, choice) for name, one in CHOICES for choice in one.choices],
)
def test_every_choice_is_accepted(name: str, parameter: str, choice: str, stores: dict[str, FlowDB]) -> None:
    by_method = cells(getattr(stores[name], name)(**{parameter: choice}))
    in_sql = cells(stores[name].sql(f"FROM {name}(\"{parameter}\" := '{choice}')"))
    assert by_method == in_sql
    assert by_method[0] == documented_columns(analyses()[name], choice if parameter == "by" else "srcaddr")


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("value", ["x", "", "srcaddr; DROP VIEW flows", None, 1])
def test_another_choice_is_an_error_that_lists_those_that_are_allowed(
    name: str, parameter: Parameter, value: object, stores: dict[str, FlowDB]
) -> None:
    with pytest.raises(ParameterError) as raised:
        getattr(stores[name], name)(**{parameter.name: value})
    error = raised.value
    assert (error.analysis, error.parameter, error.value) == (name, parameter.name, value)
    expected = f"one of: {', '.join(parameter.choices)}"
    assert str(error) == f"{name}: {parameter.name} is {value!r}; expected {expected}"


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("value", ["x", ""])
def test_another_choice_in_sql_is_an_error_that_lists_those_that_are_allowed(
    name: str, parameter: Parameter, value: str, stores: dict[str, FlowDB]
) -> None:
    said = failure(stores[name], f'FROM {name}("{parameter.name}" := {literal(value)})')
    assert f"{parameter.name} is {literal(value)}; expected one of: " in said
    listed = said.partition("expected one of: ")[2].splitlines()[0].split(", ")
    assert sorted(listed) == sorted(parameter.choices)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("top_talkers", "by"),
        ("top_talkers", "metric"),
        ("service_flows", "os"),
        ("ephemeral_ports", "os"),
    ],
)
def test_null_in_sql_is_not_a_choice(name: str, parameter: str, stores: dict[str, FlowDB]) -> None:
    said = failure(stores[name], f'FROM {name}("{parameter}" := NULL)')
    assert f"{parameter} is NULL; expected one of: " in said


def failure(db: FlowDB, query: str) -> str:
    """What is said of a query that fails when it is asked or when it runs."""
    with pytest.raises((QueryError, duckdb.Error)) as raised:
        db.sql(query).fetchall()
    return str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_method_has_the_parameters_and_the_words_of_the_header(
    name: str, stores: dict[str, FlowDB]
) -> None:
    method, analysis = getattr(stores[name], name), analyses()[name]
    found = [(one.name, one.default) for one in inspect.signature(method).parameters.values()]
    assert found == [(one.name, one.default) for one in analysis.parameters]
    assert method.__name__ == name
    for words in [analysis.summary, analysis.columns, *(one.meaning for one in analysis.parameters)]:
        assert words in method.__doc__


def test_what_is_no_analysis_is_no_attribute(empty: FlowDB) -> None:
    with pytest.raises(AttributeError, match="'FlowDB' object has no attribute 'bottom_talkers'"):
        _ = empty.bottom_talkers


def test_analyses_lists_every_analysis_with_its_topic_and_parameters(empty: FlowDB) -> None:
    rows = [
        [one.name, path.parent.name, one.summary, ", ".join(parameter.name for parameter in one.parameters)]
        for path in sorted((SQL / "analyses").rglob("*.sql"))
        for one in [analyses()[path.stem]]
    ]
    assert cells(empty.analyses()) == [["name", "topic", "summary", "parameters"], *rows]


# ---- parameters


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_parameter_is_an_error_that_lists_those_that_there_are(
    name: str, stores: dict[str, FlowDB]
) -> None:
    with pytest.raises(UsageError) as raised:
        getattr(stores[name], name)(limit=5)
    names = ", ".join(one.name for one in analyses()[name].parameters)
    assert str(raised.value) == f"{name}: no parameter 'limit'; it has: {names}"


@pytest.mark.parametrize("name", NAMES)
def test_more_values_than_parameters_are_an_error(name: str, stores: dict[str, FlowDB]) -> None:
    count = len(analyses()[name].parameters)
    with pytest.raises(UsageError) as raised:
        getattr(stores[name], name)(*["x"] * (count + 1))
    assert str(raised.value) == f"{name}: {count + 1} values for {count} parameters"


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("top", -1, "a whole number, 0 or more"),
        ("top", "10", "a whole number, 0 or more"),
        ("top", 2.0, "a whole number, 0 or more"),
        ("top", True, "a whole number, 0 or more"),
        ("since", "yesterday", "a date or a time (UTC)"),
        ("since", "2024-01-32", "a date or a time (UTC)"),
        ("since", "", "a date or a time (UTC)"),
        ("until", 1_705_276_800, "a date or a time (UTC)"),
        ("until", timedelta(hours=1), "a date or a time (UTC)"),
        ("interface_id", 5, "a text"),
        ("interface_id", ["eni-0a"], "a text"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_another_kind_is_an_error_that_says_what_is_expected(
    name: str, parameter: str, value: object, expected: str, stores: dict[str, FlowDB]
) -> None:
    with pytest.raises(ParameterError) as raised:
        getattr(stores[name], name)(**{parameter: value})
    error = raised.value
    assert (error.analysis, error.parameter, error.value) == (name, parameter, value)
    assert error.expected == expected
    assert str(error) == f"{name}: {parameter} is {value!r}; expected {expected}"


def test_a_time_that_is_in_no_calendar_in_utc_is_an_error(empty: FlowDB) -> None:
    with pytest.raises(ParameterError):
        empty.rejects(since="0001-01-01T00:00:00+05:00")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_parameter_in_sql_is_an_error(name: str, stores: dict[str, FlowDB]) -> None:
    said = failure(stores[name], f"FROM {name}(unknown := 5)")
    assert f"{name}()" in said
    assert "supplied arguments" in said


@pytest.mark.parametrize("name", NAMES)
def test_a_negative_top_in_sql_is_an_error(name: str, stores: dict[str, FlowDB]) -> None:
    assert "LIMIT" in failure(stores[name], f"FROM {name}(top := -1)")


def test_values_may_be_given_by_their_order(stores: dict[str, FlowDB]) -> None:
    ask = stores["top_talkers"].top_talkers
    assert cells(ask("pair", "packets")) == cells(ask(by="pair", metric="packets"))
    assert cells(ask("pair", top=3)) == cells(ask(by="pair", top=3))


def test_a_value_is_a_value_and_never_sql(stores: dict[str, FlowDB]) -> None:
    assert stores["rejects"].rejects(interface_id="' OR true --").fetchall() == []


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of sixty sources, each with a refused and an accepted record of its own minute."""
    lines = [
        record(f"2024-01-15T00:{minute:02}", f"10.0.{minute}.1", action)
        for minute in range(60)
        for action in ("REJECT", "ACCEPT")
    ]
    with store_of(tmp_path_factory.mktemp("sixty"), *lines) as db:
        yield db


@pytest.mark.parametrize("name", NAMES)
def test_top_gives_so_many_of_the_rows_and_none_gives_all(name: str, sixty: FlowDB) -> None:
    ask = getattr(sixty, name)
    every = ask(top=None).fetchall()
    assert len(every) == {"service_flows": 120, "coverage": 1}.get(name, 60)
    default = {one.name: one.default for one in analyses()[name].parameters}["top"]
    assert default is None or isinstance(default, int)
    assert ask().fetchall() == every[:default]
    assert ask(top=7).fetchall() == every[:7]
    assert ask(top=0).fetchall() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_store_without_records_answers_without_rows(name: str, empty: FlowDB) -> None:
    assert cells(getattr(empty, name)()) == [documented_columns(analyses()[name])]
    asked = {"since": date(2024, 1, 15), "until": "2024-01-16", "interface_id": "eni-0a", "top": None}
    assert cells(getattr(empty, name)(**asked)) == [documented_columns(analyses()[name])]


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
def test_a_store_without_records_answers_every_choice_without_rows(
    name: str, parameter: Parameter, empty: FlowDB
) -> None:
    answers = {choice: getattr(empty, name)(**{parameter.name: choice}) for choice in parameter.choices}
    assert {choice: answer.fetchall() for choice, answer in answers.items()} == {
        choice: [] for choice in parameter.choices
    }


def test_a_bucket_may_be_any_length_of_time(stores: dict[str, FlowDB]) -> None:
    busiest = {
        bucket: stores["ephemeral_ports"].ephemeral_ports(bucket=bucket, top=1).fetchall()[0][6:9]
        for bucket in ("1 second", "00:01:30", "1 day")
    }
    assert busiest == {
        "1 second": (1, 3.5e-05, datetime(2024, 1, 15)),
        "00:01:30": (3, 0.000106, datetime(2024, 1, 15)),
        "1 day": (4, 0.000142, datetime(2024, 1, 15)),
    }


# ---- windows of time

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
    assert getattr(three_days, name)(since="2024-01-17", until="2024-01-14").fetchall() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_window_over_everything_changes_nothing(name: str, three_days: FlowDB) -> None:
    everything = cells(getattr(three_days, name)())
    assert cells(getattr(three_days, name)(since=date.min, until=date.max)) == everything
    assert cells(getattr(three_days, name)(since=None, until=None)) == everything


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
