"""Somebody new finds the way from `--help` alone: groups, first steps, what comes next, where to read on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowdb.cli import cli
from flowdb.helping import FIRST_STEPS, GROUPS
from tests.conftest import Run, record, write_log

NEXT = "flowdb: next: flowdb report{0}, flowdb top-talkers{0}; flowdb --help has all questions"


def test_every_command_is_in_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(cli.commands)


def test_the_help_ends_with_the_first_steps_and_cuts_no_sentence(run: Run) -> None:
    shown = run("--help").stdout
    last = " ".join(shown.split("\nFirst steps:\n")[1].split())
    assert last == " ".join(f"{command} {meaning}" for command, meaning in FIRST_STEPS)
    assert "..." not in shown.replace("COMMAND [ARGS]...", "")
    titles = re.findall(r"^(\S.*):$", shown, re.MULTILINE)
    assert titles[1 : len(GROUPS) + 1] == list(GROUPS)


def test_the_first_steps_lead_to_an_answer(run: Run, logs: Path) -> None:
    for command, _ in FIRST_STEPS[:3]:
        words = [str(logs) if word == "FOLDER" else word for word in command.split()[1:]]
        assert run(*words).returncode == 0


@pytest.mark.parametrize(("given", "said"), [((), ""), (("--store", "a b"), " --store 'a b'")])
def test_the_first_ingest_tells_what_comes_next(
    run: Run, logs: Path, given: tuple[str, ...], said: str
) -> None:
    assert run("ingest", "logs", *given).stderr.splitlines()[1:] == [NEXT.format(said)]
    write_log(logs / "more.log", [record(9)])
    assert "next" not in run("ingest", "logs", *given).stderr
    assert run("ingest", "logs", *given, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ("--store", "x", "status"),
            "No such option '--store'. Options of a command stand after it: flowdb top-talkers --store DIR.",
        ),
        (("ingest",), "Missing argument 'SOURCE...'. flowdb ingest --help tells more."),
        (("traffic-of",), "Missing argument 'ADDR'. flowdb traffic-of --help tells more."),
        (("plot", "traffic-of"), "Missing argument 'ADDR'. flowdb plot traffic-of --help tells more."),
    ],
)
def test_a_mistake_is_told_with_what_to_do(run: Run, args: tuple[str, ...], said: str) -> None:
    ended = run(*args)
    assert (ended.returncode, ended.stderr) == (2, f"flowdb: error: {said}\n")


def test_an_answer_without_rows_tells_when_the_records_are(run: Run, store: Path) -> None:
    span = "the records of the store are from 2024-01-14 23:59:05 to 2024-01-15 00:59:50"
    assert run("rejects", "--since", "2h").stderr == f"flowdb: note: {span}\n"
    assert run("rejects", "--day", "2024-01-15", "--top", "1").stderr == ""
    assert run("beacons").stderr == ""
    assert run("rejects", "--since", "2h", "-o", "csv").stderr == ""
    report = run("report", "--analysis", "rejects", "--day", "2023-01-01").stderr
    assert report.startswith(f"flowdb: note: nothing is in it: {span}\nflowdb: report.html: 0 records")


def test_an_empty_store_says_that_it_is_empty(run: Run, tmp_path: Path) -> None:
    write_log(tmp_path / "bad.log", ["nothing of any use"])
    assert run("ingest", "bad.log").returncode == 1
    said = "flowdb: note: the store has no records; flowdb ingest brings them in\n"
    assert run("top-talkers").stderr == said
    assert run("top-talkers", "--since", "2h").stderr == said
