"""Every analysis: its cases, and that its file, its macro and its method say the same."""

from __future__ import annotations

import csv
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flowdb import FlowDB
from flowdb.analyses import TRAPS, analyses
from flowdb.errors import ParameterError, QueryError, UsageError
from flowdb.parameters import Parameter, literal
from tests.cases import (
    ALL_CASES,
    CASES,
    NAMES,
    SQL,
    Case,
    GivenStores,
    default_of,
    documented_columns,
    given,
    given_log,
    shifted,
    span_of,
    store_of_logs,
    widened,
)
from tests.cells import Cells, cells, csv_file_cells

HAS = {name: {one.name for one in analyses()[name].parameters} for name in NAMES}
CHOICES = [(name, one) for name in NAMES for one in analyses()[name].parameters if one.choices]
# These compare a window with what was before it, so that it has a part in the answer.
LOOKING_BACK = [name for name in NAMES if "baseline" in analyses()[name].tags]
DETECTIONS = [name for name in NAMES if "detection" in analyses()[name].tags]
# A wrong value of every type, and what is said of it.
WRONG = {
    "TIMESTAMP": ("yesterday", "2024-01-32", "", 1_705_276_800),
    "INTEGER": (-1, "10", 2.0, True),
    "NUMBER": (-1, "10", float("inf"), True),
    "TEXT": (5, ["eni-0a"]),
    "BOOLEAN": (1, "true"),
    "REGION": (5, ["us-east-1"]),
    "OFFSET": (2, "2", "99:99", "+15:00", "02:60", "\u0662:00", ""),
    "INTERVAL": (
        "soon",
        5,
        "5",
        "",
        "-1 hour",
        "\u0665 minutes",
        "1.5 months",
        "99999 weeks",
    ),
    "CIDR": (
        "x",
        "10.0.0.0/33",
        "10.0.0",
        5,
        "",
        "10.0.0.0/255.0.0.0",
        "fe80::1%eth0",
        "10.0.0.0/08",
        "::/129",
    ),
    "INTEGER[]": (22, "22", [-1], ["x"], [None]),
    "CIDR[]": ("10.0.0.1", ["x"], 5),
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlowDB]]:
    """The given log of each analysis that has choices, with every field there is."""
    opened = {}
    for name in sorted({name for name, _ in CHOICES}):
        folder = tmp_path_factory.mktemp(name)
        opened[name] = store_of_logs(folder, widened(name, folder))
    yield opened
    for db in opened.values():
        db.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store that was made, and has no record."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "a.log").write_text("version srcaddr dstaddr start end\n", encoding="utf-8")
    with store_of_logs(folder, folder / "a.log") as db:
        yield db


def call(name: str, params: dict[str, object]) -> str:
    """The query that asks with these parameters, as a person writes it."""
    return analyses()[name].call(params).removesuffix(";")


def expected(name: str) -> Cells:
    """The answer of the default case, of which a test of its own says that it is given."""
    return csv_file_cells(CASES / name / "expected.csv")


def failure(db: FlowDB, query: str) -> str:
    """What is said of a query that fails when it is asked or when it runs."""
    with pytest.raises((QueryError, duckdb.Error)) as raised:
        db.sql(query).fetchall()
    return str(raised.value)


# ---- cases


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_an_analysis_answers_as_expected(case: Case, stores: GivenStores) -> None:
    answer = cells(getattr(stores[case.analysis], case.analysis)(**case.params))
    assert answer == csv_file_cells(CASES / case.analysis / case.expected), case.shows


@pytest.mark.parametrize("name", NAMES)
def test_every_analysis_has_a_given_log_and_an_expected_answer_with_rows(name: str) -> None:
    assert given_log(name).is_file()
    assert len(expected(name)) > 1


def test_every_file_of_cases_is_that_of_an_analysis_and_is_used() -> None:
    expected = {f"{name}/{file}" for name in NAMES for file in ("given.log", "cases.toml")}
    expected |= {f"{case.analysis}/{case.expected}" for case in ALL_CASES}
    found = {path.relative_to(CASES).as_posix() for path in CASES.rglob("*") if path.is_file()}
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_given_in_a_case(name: str) -> None:
    assert {param for case in ALL_CASES if case.analysis == name for param in case.params} == HAS[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_given_log_has_both_families_and_records_that_must_not_count(name: str) -> None:
    lines = given_log(name).read_text(encoding="utf-8").splitlines()
    names = lines[0].split(" ")
    records = [dict(zip(names, line.split(" "), strict=True)) for line in lines[1:]]
    assert {"OK", "NODATA", "SKIPDATA"} <= {one["log-status"] for one in records}
    assert any(":" in one["srcaddr"] for one in records)
    assert any("." in one["srcaddr"] for one in records)


@pytest.mark.parametrize("name", DETECTIONS)
def test_a_near_miss_is_given_and_does_not_fire(name: str) -> None:
    """What must not fire has, as one of its addresses, one of 198.18.0.0/15 or 2001:2::/48."""
    near = re.compile(r"\b(198\.1[89]\.|2001:2:)")
    assert near.search(given_log(name).read_text(encoding="utf-8"))
    assert not near.search((CASES / name / "expected.csv").read_text(encoding="utf-8"))


# ---- the file, the macro and the method


def macro_parameters(name: str) -> dict[str, str]:
    """The parameters and defaults that the statement itself has."""
    (path,) = (SQL / "analyses").rglob(f"{name}.sql")
    match = re.search(rf"^CREATE OR REPLACE MACRO {name}\((.*?)\) AS TABLE$", path.read_text(), re.M | re.S)
    assert match is not None
    listed = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(",", ";"), match[1].replace("\n", " "))
    pairs = (parameter.partition(":=") for parameter in next(csv.reader([listed], quotechar="\0")))
    return {name.strip().strip('"'): default.strip().replace(";", ",") for name, _, default in pairs}


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_are_those_of_the_header(name: str) -> None:
    assert expected(name)[0] == documented_columns(analyses()[name], str(default_of(name, "by")))


@pytest.mark.parametrize("name", NAMES)
def test_the_macro_has_the_parameters_and_defaults_of_the_header(name: str) -> None:
    header = {
        one.name: "" if one.is_required else literal(one.default) for one in analyses()[name].parameters
    }
    assert list(macro_parameters(name).items()) == list(header.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_fields_that_the_macro_asks_for_are_those_of_the_header(name: str) -> None:
    analysis = analyses()[name]
    asked = re.findall(rf"'{name}',\s*(?:list_concat\()?\[([^\]]*)\]", analysis.statement)
    assert {tuple(re.findall(r"'([^']*)'", one)) for one in asked} <= {analysis.needs}
    assert bool(asked) == bool(analysis.needs)


@pytest.mark.parametrize("name", NAMES)
def test_a_header_says_how_it_treats_what_makes_naive_answers_wrong(name: str) -> None:
    assert set(analyses()[name].traps) <= set(TRAPS)
    assert {"both ends", "no data"} <= set(analyses()[name].traps)


@pytest.mark.parametrize("name", NAMES)
def test_defaults_written_out_change_nothing(name: str, stores: GivenStores) -> None:
    written = {one.name: one.default for one in analyses()[name].parameters if not one.is_required}
    assert cells(stores[name].sql(call(name, written | given(name)))) == expected(name)


@pytest.mark.parametrize(
    ("name", "parameter", "choice"),
    [(name, one.name, choice) for name, one in CHOICES for choice in one.choices],
)
def test_every_choice_is_accepted(name: str, parameter: str, choice: str, wide: dict[str, FlowDB]) -> None:
    """That SQL accepts these and no others is what it lists where it is given another, below."""
    answer = getattr(wide[name], name)(**given(name) | {parameter: choice})
    by = choice if parameter == "by" else str(default_of(name, "by"))
    assert cells(answer)[0] == documented_columns(analyses()[name], by)


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
def test_a_choice_in_sql_gives_what_the_method_gives(
    name: str, parameter: Parameter, wide: dict[str, FlowDB]
) -> None:
    params = given(name) | {parameter.name: parameter.choices[-1]}
    assert cells(wide[name].sql(call(name, params))) == cells(getattr(wide[name], name)(**params))


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("value", ["x", "", "srcaddr; DROP VIEW flows", None, 1])
def test_another_choice_is_an_error_that_lists_those_that_are_allowed(
    name: str, parameter: Parameter, value: object, stores: GivenStores
) -> None:
    if value is None and parameter.takes_none:
        return
    with pytest.raises(ParameterError) as raised:
        getattr(stores[name], name)(**given(name) | {parameter.name: value})
    error = raised.value
    assert (error.analysis, error.parameter, error.value) == (name, parameter.name, value)
    assert error.expected.endswith(f": {', '.join(parameter.choices)}")
    assert str(error) == f"{name}: {parameter.name} is {value!r}; expected {error.expected}"


@pytest.mark.parametrize(("name", "parameter"), CHOICES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("value", ["x", "", None])
def test_another_choice_in_sql_is_an_error_that_lists_those_that_are_allowed(
    name: str, parameter: Parameter, value: str | None, stores: GivenStores
) -> None:
    if value is None and parameter.takes_none:
        return
    said = failure(stores[name], call(name, given(name) | {parameter.name: value}))
    assert f"{parameter.name} is {literal(value)}; expected one of" in said
    listed = said.partition("expected one of")[2].partition(": ")[2].splitlines()[0].split(", ")
    assert sorted(listed) == sorted(parameter.choices)


@pytest.mark.parametrize("name", NAMES)
def test_the_method_has_the_parameters_and_the_words_of_the_header(name: str, stores: GivenStores) -> None:
    method, analysis = getattr(stores[name], name), analyses()[name]
    found = [(one.name, one.default) for one in inspect.signature(method).parameters.values()]
    required = inspect.Parameter.empty
    assert found == [(one.name, required if one.is_required else one.default) for one in analysis.parameters]
    assert method.__name__ == name
    for words in [analysis.summary, analysis.columns, *(one.meaning for one in analysis.parameters)]:
        assert words in method.__doc__


def test_what_is_no_analysis_is_no_attribute(empty: FlowDB) -> None:
    with pytest.raises(AttributeError, match="'FlowDB' object has no attribute 'bottom_talkers'"):
        _ = empty.bottom_talkers  # type: ignore[attr-defined]


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
    name: str, stores: GivenStores
) -> None:
    with pytest.raises(UsageError) as raised:
        getattr(stores[name], name)(nonsense=5)
    names = ", ".join(one.name for one in analyses()[name].parameters)
    assert str(raised.value) == f"{name}: no parameter 'nonsense'; it has: {names}"
    said = failure(stores[name], call(name, given(name) | {"unknown": 5}))
    assert "does not support the supplied arguments" in said


@pytest.mark.parametrize("name", NAMES)
def test_more_values_than_parameters_are_an_error(name: str, stores: GivenStores) -> None:
    count = len(analyses()[name].parameters)
    with pytest.raises(UsageError) as raised:
        getattr(stores[name], name)(*["x"] * (count + 1))
    assert str(raised.value) == f"{name}: {count + 1} values for {count} parameters"


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, one) for name in NAMES for one in analyses()[name].parameters if not one.choices],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_value_of_another_kind_is_an_error_that_says_what_is_expected(
    name: str, parameter: Parameter, stores: GivenStores
) -> None:
    for value in WRONG[parameter.type]:
        with pytest.raises(ParameterError) as raised:
            getattr(stores[name], name)(**given(name) | {parameter.name: value})
        error = raised.value
        assert (error.analysis, error.parameter, error.value) == (name, parameter.name, value)
        assert str(error) == f"{name}: {parameter.name} is {value!r}; expected {parameter.expected}"


@pytest.mark.parametrize(
    "name", [name for name in NAMES if any(one.is_required for one in analyses()[name].parameters)]
)
def test_a_parameter_that_is_required_is_asked_for(name: str, stores: GivenStores) -> None:
    first = next(one for one in analyses()[name].parameters if one.is_required)
    with pytest.raises(UsageError) as raised:
        getattr(stores[name], name)()
    assert str(raised.value) == f"{name}: {first.name} is not given; it is {first.meaning}"


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, one.name)
        for name in NAMES
        for one in analyses()[name].parameters
        if one.type.startswith("CIDR")
    ],
)
def test_a_bad_range_in_sql_is_an_error(name: str, parameter: str, stores: GivenStores) -> None:
    is_list = next(one for one in analyses()[name].parameters if one.name == parameter).type == "CIDR[]"
    bad = ["10.0.0.0/33"] if is_list else "10.0.0.0/33"
    said = failure(stores[name], call(name, given(name) | {parameter: bad}))
    assert "'10.0.0.0/33' is no range of addresses; expected one such as 10.0.0.0/8" in said


@pytest.mark.parametrize("name", [name for name in NAMES if "top" in HAS[name]])
def test_top_gives_so_many_of_the_rows_and_none_gives_all(name: str, stores: GivenStores) -> None:
    def ask(**params: object) -> Cells:
        return cells(getattr(stores[name], name)(**given(name) | params))[1:]

    every = ask(top=None)
    default = default_of(name, "top")
    assert default is None or (isinstance(default, int) and not isinstance(default, bool))
    assert expected(name)[1:] == every[:default]
    assert ask(top=1) == every[:1]
    assert ask(top=0) == []
    assert "LIMIT" in failure(stores[name], call(name, given(name) | {"top": -1}))


# ---- windows of time, and stores with less


@pytest.fixture(scope="module")
def thrice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlowDB]]:
    """The given log of each analysis, and the same a hundred days before and after, in a store."""
    opened = {}
    for name in NAMES:
        folder = tmp_path_factory.mktemp(name)
        opened[name] = store_of_logs(folder, *(shifted(name, days, folder) for days in (-100, 0, 100)))
    yield opened
    for db in opened.values():
        db.close()


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "since" in HAS[name] and name not in LOOKING_BACK]
)
def test_what_lies_outside_of_the_window_has_no_part_and_is_not_read(
    name: str, thrice: dict[str, FlowDB], stores: GivenStores
) -> None:
    since, until = span_of(name)
    window = {"since": since, "until": until}
    alone = getattr(stores[name], name)(**given(name) | window)
    among = getattr(thrice[name], name)(**given(name) | window)
    # Ids of sources differ.
    kept = ", ".join(column for column in alone.columns if column not in ("source_id", "source"))
    assert cells(among.project(kept)) == cells(alone.project(kept))
    query, bound = analyses()[name].query(given(name) | window)
    read, there = (
        files_read(thrice[name], query, bound),
        len(list(thrice[name].path.glob("data/*/*.parquet"))),
    )
    assert read
    assert max(read) * 3 <= there


def files_read(db: FlowDB, query: str, params: object) -> set[int]:
    """How many files DuckDB plans to read, in each of the places where it reads some of them."""
    ((_, plan),) = db.sql(f"EXPLAIN (FORMAT json) {query}", params).fetchall()
    return {int(number) for number in re.findall(r'"Scanning Files": "(\d+)/\d+"', plan)}


@pytest.mark.parametrize("name", [name for name in NAMES if "since" in HAS[name]])
def test_a_window_over_everything_changes_nothing(name: str, stores: GivenStores) -> None:
    db, window = stores[name], {"since": "0001-01-01", "until": "9999-12-31"}
    if name not in LOOKING_BACK:
        assert cells(getattr(db, name)(**given(name) | window)) == expected(name)
    assert cells(db.sql(call(name, given(name) | {"since": None, "until": None}))) == expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_without_records_answers_without_rows(name: str, empty: FlowDB) -> None:
    columns = documented_columns(analyses()[name], str(default_of(name, "by")))
    assert cells(getattr(empty, name)(**given(name))) == [columns]


@pytest.mark.parametrize(
    ("name", "field"), [(name, analyses()[name].needs[-1]) for name in NAMES if analyses()[name].needs]
)
def test_a_field_that_no_log_has_is_named(name: str, field: str, tmp_path: Path) -> None:
    """The last of those that an analysis needs: that it asks for all of them is another test's."""
    header, *lines = given_log(name).read_text(encoding="utf-8").splitlines()
    kept = [n for n, one in enumerate(header.split(" ")) if one != field]
    assert len(kept) < len(header.split(" "))
    path = tmp_path / "less.log"
    rows = [" ".join(line.split(" ")[n] for n in kept) for line in [header, *lines]]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with store_of_logs(tmp_path, path) as db:
        said = failure(db, call(name, given(name)))
        assert f"{name} needs {field}, a field that no log here has" in said
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(len(lines),)]
