"""`--watch`: an analysis that is asked again and again, of the newest commit each time."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from pathlib import Path

import pexpect

import flowdb
from tests.conftest import Run, record, write_log
from tests.terminals import environment, plain, spawned


def ingest(tmp_path: Path, number: int) -> None:
    """Bring one record more into the store."""
    write_log(tmp_path / f"{number}.log", [record(number)])
    with flowdb.open(tmp_path / "flows") as db:
        db.ingest(tmp_path / f"{number}.log")


def test_a_terminal_is_redrawn_with_the_newest_commit_until_ctrl_c(tmp_path: Path) -> None:
    ingest(tmp_path, 1)
    child = spawned(sys.executable, ["-m", "flowdb", "top-talkers", "--watch", "1s"], tmp_path, width=120)
    child.expect("100 B")
    ingest(tmp_path, 2)
    child.expect("200 B")
    before = child.before
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    # The lines of before are gone up to the first, and the cursor is there in the end.
    assert "\x1b[1A\x1b[2K" in before
    assert "\x1b[?25h" in child.before
    assert "flowdb: interrupted; nothing is left half done" in plain(child.before)
    assert "Traceback" not in child.before


def test_a_round_that_fails_is_told_and_the_next_one_is_asked(tmp_path: Path) -> None:
    ingest(tmp_path, 1)
    command = [sys.executable, "-m", "flowdb", "top-talkers", "--watch", "1s", "-o", "csv"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = [process.stdout.readline() for _ in range(2)]
        data = tmp_path / "flows" / "hourly"
        data.rename(tmp_path / "away")
        (tmp_path / "flows" / "data").rename(tmp_path / "gone")
        said = process.stderr.readline()
        (tmp_path / "away").rename(data)
        (tmp_path / "gone").rename(tmp_path / "flows" / "data")
        second = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        rest = process.stderr.read()
    assert process.returncode == 130
    assert said.startswith("flowdb: error: ")
    assert first == second
    assert next(csv.DictReader(first))["bytes"] == "100"
    assert rest.endswith("flowdb: interrupted; nothing is left half done\n")


def test_what_cannot_be_asked_the_first_time_ends_it(run: Run, tmp_path: Path) -> None:
    assert run("top-talkers", "--watch", "1s", "--store", "none").returncode == 3
    ingest(tmp_path, 1)
    done = run("top-talkers", "--by", "srcadr", "--watch", "1s")
    assert done.returncode == 2
    assert "by is 'srcadr' (did you mean 'srcaddr'?); expected" in done.stderr
    assert run("top-talkers", "--watch", "0s").returncode == 2
    assert run("top-talkers", "--watch", "1s", "-o", "parquet").returncode == 2
    assert run("top-talkers", "--watch", "soon").returncode == 2
