"""Where the command line runs is not always a terminal with a disk: what it says then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import flowdb
from flowdb.errors import QueryError, StoreDamaged
from tests.conftest import SAMPLES, Run

FLOWDB = [sys.executable, "-m", "flowdb"]
UNIX = pytest.mark.skipif(os.name == "nt", reason="a system without such files")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("form", ["table", "csv", "parquet", "markdown"])
def test_a_full_disk_under_standard_output_is_one_sentence(store: Path, tmp_path: Path, form: str) -> None:
    with open("/dev/full", "w") as full:
        command = [*FLOWDB, "sql", "FROM flows LIMIT 900", "-o", form]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith("flowdb: error: ")
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


@UNIX
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_an_ingest_without_somewhere_to_write_lands_all_the_same(tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} -m flowdb ingest {SAMPLES} {closed}"
    assert subprocess.run(command, shell=True, cwd=tmp_path, check=False).returncode == 0
    with flowdb.open(tmp_path / "flows") as db:
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(12_000,)]


@UNIX
def test_a_pipe_is_no_source_and_the_others_land(tmp_path: Path, logs: Path) -> None:
    os.mkfifo(logs / "pipe.log")
    with flowdb.open(tmp_path / "flows") as db:
        report = db.ingest(logs, workers=1)
    assert [str(failure) for failure in report.failures] == [
        f"{logs}/pipe.log: it is not a regular file; write what it gives to one first"
    ]
    assert (report.sources_ingested, report.records) == (3, 6)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_may_not_be_read_fails_alone(tmp_path: Path, logs: Path) -> None:
    (logs / "deep").chmod(0)
    try:
        with flowdb.open(tmp_path / "flows") as db:
            report = db.ingest(logs)
    finally:
        (logs / "deep").chmod(0o755)
    assert [str(failure) for failure in report.failures] == [
        f"{logs}/deep: it cannot be read (Permission denied)"
    ]
    assert report.sources_ingested == 2


@pytest.mark.parametrize("query", ["", " ", ";", "-- only a remark", "/* and */ -- another"])
def test_an_empty_query_is_said_to_be_empty(store: Path, run: Run, query: str) -> None:
    done = run("sql", "-o", "csv", "--", query)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "flowdb: error: the query is empty\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("form", ["table", "markdown"])
def test_what_an_output_cannot_spell_is_escaped(store: Path, run: Run, encoding: str, form: str) -> None:
    done = run("sql", "SELECT 'a名b' AS x", "-o", form, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, "")
    assert "a\\u540db" in done.stdout


def test_columns_of_one_name_are_all_shown(store: Path, run: Run) -> None:
    done = run("sql", "SELECT 1 AS a, 2 AS a, 3 AS a", "-o", "markdown")
    assert done.stdout.splitlines()[2:] == ["| 1 | 2 | 3 |"]
    assert run("sql", "SELECT 1.5 AS a, 2 AS a", "-o", "jsonl").stdout.startswith('{"a":1.5,')


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_json_has_null_where_it_has_no_word_for_a_number(store: Path, run: Run, kind: str) -> None:
    values = "VALUES ('1.5'), ('inf'), ('-inf'), ('nan'), (NULL)"
    query = f'SELECT x::{kind} AS "a\'b", 1 AS n FROM ({values}) AS v (x)'
    expected = [1.5, None, None, None, None]
    assert [row["a'b"] for row in json.loads(run("sql", query, "-o", "json").stdout)] == expected
    lines = run("sql", query, "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"a'b": value, "n": 1} for value in expected]
    assert run("sql", query, "-o", "csv").stdout.split()[2:4] == ["inf,1", "-inf,1"]


def test_a_store_whose_files_are_gone_is_said_to_be_damaged(store: Path, run: Run) -> None:
    for path in store.glob("data/*/*.parquet"):
        path.unlink()
    done = run("top-talkers")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"flowdb: error: {store}: its files cannot be read (")
    assert done.stderr.count("\n") == 1
    with flowdb.open(store) as db, pytest.raises(StoreDamaged) as caught:
        db.sql("FROM flows")
    assert caught.value.path == str(store)


def test_an_error_while_rows_are_fetched_is_a_query_error_of_the_command(store: Path, run: Run) -> None:
    done = run("sql", "SELECT CASE WHEN srcport > 0 THEN error('late') END FROM flows", "-o", "csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "flowdb: error: Invalid Input Error: late\n"


def test_two_threads_that_ingest_at_once_are_told_apart(tmp_path: Path, logs: Path) -> None:
    ends: list[object] = []

    def ingest() -> None:
        with flowdb.open(tmp_path / "flows") as db:
            try:
                ends.append(db.ingest(SAMPLES).records)
            except flowdb.errors.StoreBusy as error:
                ends.append(error.pid)

    threads = [threading.Thread(target=ingest) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(end for end in ends if end not in (os.getpid(), None) and isinstance(end, int)) == 12_000
    with flowdb.open(tmp_path / "flows") as db:
        assert db.sql("SELECT count(*) FROM flows").fetchall() == [(12_000,)]
        with pytest.raises(QueryError):
            db.sql(";")
