"""Every analysis as a command: its arguments and options, and the rows that the method gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from flowdb.analyses import analyses
from flowdb.cli import main
from tests.cases import ALL_CASES, CASES, NAMES, Case, GivenStores
from tests.cells import csv_cells, csv_file_cells


def two_cases_of_each() -> Iterator[Case]:
    """The default case of each analysis, and the one that gives most parameters."""
    for name in NAMES:
        cases = [case for case in ALL_CASES if case.analysis == name]
        yield cases[0]
        yield max(cases[1:] or cases, key=lambda one: len(one.params))


def written(value: object) -> str:
    """A value as a person writes it in a shell."""
    if isinstance(value, list | tuple):
        return ",".join(map(written, value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} seconds"
    return "all" if value is None else str(value)


def command(case: Case) -> list[str]:
    """The command that asks what a case asks."""
    argv = [case.analysis.replace("_", "-")]
    for one in analyses()[case.analysis].parameters:
        option = f"--{one.name.replace('_', '-')}"
        if one.name not in case.params:
            continue
        value = case.params[one.name]
        if one.is_required:
            argv.append(written(value))
        elif one.type == "BOOLEAN":
            argv.append(option if value else option.replace("--", "--no-", 1))
        else:
            argv += [option, written(value)]
    return argv


@pytest.mark.parametrize("case", list(two_cases_of_each()), ids=str)
def test_a_command_answers_as_expected(
    case: Case, stores: GivenStores, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command(case), "--store", str(stores[case.analysis].path), "--output", "csv"])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    assert csv_cells(printed.out.splitlines()) == csv_file_cells(CASES / case.analysis / case.expected)
