"""Readers never wait, never meet an error, and see one whole commit, whatever writers do meanwhile."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import duckdb_cli
import pytest

import flowdb
from flowdb.catalog import Catalog
from flowdb.rows import Change
from flowdb.verification import verify
from tests.conftest import record, write_log
from tests.reliability.model import FIRST_DAY, Logs
from tests.reliability.reading import CHECK, WHOLE, reader

# The `duckdb` beside Python only starts it, and would not be what is killed.
SHELL = Path(duckdb_cli.__file__).parent / "duckdb"
SECONDS = 8
SLOWEST = 10.0  # seconds; a reader that waits for a writer to end waits for the whole loop

WRITE = """
import random, sys, time
from datetime import timedelta
from pathlib import Path
import flowdb
from tests.reliability.model import FIRST_DAY, Logs
store, folder, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
chance = random.Random(5)
logs = Logs(folder, chance)
ends = time.monotonic() + seconds
days = [FIRST_DAY + timedelta(days=n) for n in range(4)]
verbs = 0
with flowdb.open(store) as db:
    while time.monotonic() < ends:
        new = [logs.write(chance.sample(days, 2)) for _ in range(3)]
        db.ingest(*new)
        db.ingest(logs.rewrite(new[0], chance.sample(days, 2)), replace=True)
        if verbs % 3 == 1:
            db.compact()
        if verbs % 3 == 2:
            db.forget(new[1])
        if verbs % 5 == 3:
            db.prune(before=days[2], keep_rejects="20000d" if verbs % 2 else None)
        verbs += 1
"""


class Shell:
    """A DuckDB shell that holds a file open, and is asked through a pipe."""

    def __init__(self, path: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [str(SHELL), *options, "-csv", "-noheader", "-nullvalue", "", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HOME": str(path.parent)},
            text=True,
            bufsize=1,
        )

    def ask(self, query: str) -> list[str]:
        """Return the lines of an answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(f"{query};\nSELECT 'that' || ' is all';", file=self.process.stdin, flush=True)
        lines: list[str] = []
        while (line := self.process.stdout.readline().rstrip("\n")) != "that is all":
            assert line or self.process.poll() is None, lines
            lines.append(line)
        return lines

    def kill(self) -> None:
        """End it as a loss of power would."""
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        """Leave it."""
        self.process.communicate()


@contextmanager
def open_shell(path: Path, *options: str) -> Iterator[Shell]:
    shell = Shell(path, *options)
    try:
        yield shell
    finally:
        shell.kill()


def count(store: Path) -> int:
    """Return how many flows somebody sees who opens the generated file alone."""
    with duckdb.connect(str(store / "flowdb.duckdb"), read_only=True) as connection:
        ((found,),) = connection.execute("SELECT count(*) FROM flows").fetchall()
        return int(found)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[flowdb.FlowDB]:
    """Give a store with three records in it, and nothing else."""
    with flowdb.open(tmp_path / "store") as opened:
        opened.ingest(write_log(tmp_path / "a.log", [record(n) for n in range(3)]))
        yield opened


def test_readers_see_whole_commits_and_never_wait_while_writers_go_on(tmp_path: Path) -> None:
    store, stop = tmp_path / "store", tmp_path / "stop"
    first = Logs(tmp_path / "first", random.Random(1)).write([FIRST_DAY, FIRST_DAY + timedelta(days=3)])
    with flowdb.open(store) as db:
        db.ingest(first)
    results = {way: tmp_path / f"{way}.json" for way in ("python", "file")}
    with open_shell(store / "flowdb.duckdb", "-readonly") as shell:
        snapshot = shell.ask("SELECT * FROM flows ORDER BY ALL")
        assert snapshot
        writer = subprocess.Popen([sys.executable, "-c", WRITE, store, tmp_path / "logs", str(SECONDS)])
        readers = [reader(way, store, result, stop) for way, result in results.items()]
        try:
            slowest = 0.0
            while writer.poll() is None:
                began = time.perf_counter()
                assert shell.ask("SELECT * FROM flows ORDER BY ALL") == snapshot
                slowest = max(slowest, time.perf_counter() - began)
                time.sleep(0.2)
        finally:
            stop.touch()
            codes = [process.wait() for process in (writer, *readers)]
    assert codes == [0, 0, 0]
    for result in results.values():
        seen = json.loads(result.read_text())
        assert seen["wrong"] == []
        assert seen["count"] >= SECONDS
        assert seen["commits"] >= 2
        assert seen["slowest"] < SLOWEST
        print(f"{result.stem}: {seen['count']} reads of {seen['commits']} commits, {seen['slowest']:.2f} s")
    assert slowest < SLOWEST
    assert verify(store).is_sound


def test_the_check_of_the_readers_finds_what_is_torn(tmp_path: Path) -> None:
    log = Logs(tmp_path, random.Random(3)).write([FIRST_DAY], most=5)
    with flowdb.open(tmp_path / "store") as db:
        db.ingest(log)
        with duckdb.connect() as connection:
            for view in ("flows", "sources", "commits", "bad_lines", "files"):
                rows = db.sql(f"FROM {view}").to_arrow_table()
                connection.register("rows", rows)
                connection.execute(f"CREATE TABLE {view} AS FROM rows")
            assert connection.execute(CHECK).fetchall() == [WHOLE]
            for statement in (
                "DELETE FROM flows WHERE bytes = (SELECT min(bytes) FROM flows)",
                "INSERT INTO flows (FROM flows LIMIT 1)",
                "DELETE FROM sources",
                "INSERT INTO sources (FROM sources)",
                "DELETE FROM commits",
                "DELETE FROM files",
            ):
                connection.execute("BEGIN")
                connection.execute(statement)
                assert connection.execute(CHECK).fetchall() != [WHOLE], statement
                connection.execute("ROLLBACK")


def test_a_shell_keeps_its_snapshot_whatever_is_done_to_the_store(db: flowdb.FlowDB, tmp_path: Path) -> None:
    more = write_log(tmp_path / "b.log", [record(n) for n in range(3, 5)])
    with open_shell(db.path / "flowdb.duckdb", "-readonly") as shell:
        before = shell.ask("FROM flows ORDER BY ALL")
        assert len(before) == 3
        db.ingest(more)
        assert shell.ask("FROM flows ORDER BY ALL") == before
        db.compact()
        assert shell.ask("FROM flows ORDER BY ALL") == before
        db.prune(before="2024-01-17")
        assert shell.ask("FROM flows ORDER BY ALL") == before
        assert shell.ask("SELECT srcaddr, flows FROM top_talkers()") == ["10.0.0.1,3"]
    assert count(db.path) == 0


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_shell_that_writes_into_the_file_breaks_nothing(
    db: flowdb.FlowDB, tmp_path: Path, is_killed: bool
) -> None:
    more = write_log(tmp_path / "b.log", [record(n) for n in range(3, 5)])
    wal = db.path / "flowdb.duckdb.wal"
    with open_shell(db.path / "flowdb.duckdb") as shell:
        assert shell.ask("CREATE TABLE mine AS SELECT 42 AS i") == []
        assert wal.exists()
        db.ingest(more)
        assert not wal.exists()
        assert shell.ask("SELECT count(*) FROM flows") == ["3"]
        assert shell.ask("FROM mine") == ["42"]
        assert count(db.path) == 5
        shell.kill() if is_killed else shell.close()
    flowdb.open(db.path).close()
    assert count(db.path) == 5
    assert not wal.exists()
    assert verify(db.path).is_sound


def test_a_log_that_appears_after_the_file_was_replaced_is_taken_for_what_it_is(
    db: flowdb.FlowDB, tmp_path: Path
) -> None:
    more = write_log(tmp_path / "b.log", [record(n) for n in range(3, 5)])
    wal = db.path / "flowdb.duckdb.wal"
    with open_shell(db.path / "flowdb.duckdb") as shell:
        assert shell.ask("SELECT count(*) FROM flows") == ["3"]
        db.ingest(more)
        # It has the file that was replaced; its log lies beside the new one.
        shell.ask("CREATE OR REPLACE VIEW flows AS SELECT 1 AS i")
        assert wal.exists()
        shell.kill()
    assert wal.exists()
    assert not verify(db.path).is_sound
    flowdb.open(db.path).close()
    assert not wal.exists()
    assert count(db.path) == 5
    assert verify(db.path).is_sound


def test_a_live_shell_that_writes_keeps_its_log(db: flowdb.FlowDB) -> None:
    wal = db.path / "flowdb.duckdb.wal"
    with open_shell(db.path / "flowdb.duckdb") as shell:
        shell.ask("CREATE TABLE mine AS SELECT 42 AS i")
        for _ in range(3):
            with flowdb.open(db.path) as other:
                assert other.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
        assert wal.exists()
        assert shell.ask("FROM mine") == ["42"]
        shell.close()
    with duckdb.connect(str(db.path / "flowdb.duckdb"), read_only=True) as connection:
        assert connection.execute("FROM mine").fetchall() == [(42,)]


def test_what_many_shells_leave_one_after_the_other_breaks_nothing(db: flowdb.FlowDB, tmp_path: Path) -> None:
    leave = (
        "import duckdb, os; connection = duckdb.connect('flowdb.duckdb');"
        " connection.execute('CREATE TABLE t AS SELECT 1 AS i; DROP VIEW flows'); os._exit(0)"
    )
    for n in range(1, 4):
        for at_once in (True, False):
            if at_once:
                with open_shell(db.path / "flowdb.duckdb") as shell:
                    shell.ask("CREATE TABLE mine AS SELECT 42 AS i")
                    db.ingest(write_log(tmp_path / f"{n}.log", [record(100 * n)]))
                    shell.ask("DROP VIEW flows")
            else:
                subprocess.run([sys.executable, "-c", leave], cwd=db.path, check=True)
            flowdb.open(db.path).close()
            assert count(db.path) == 3 + n


def test_logs_that_a_shell_left_in_a_checkpoint_go_too(db: flowdb.FlowDB, tmp_path: Path) -> None:
    left = [db.path / f"flowdb.duckdb.wal{end}" for end in (".checkpoint", ".recovery")]
    for path in left:
        path.write_bytes(b"half a log")
    flowdb.open(db.path).close()
    assert [path.exists() for path in left] == [False, False]
    assert count(db.path) == 3


def test_a_reader_does_not_wait_for_a_writer_that_is_stopped(db: flowdb.FlowDB) -> None:
    hold = (
        "import sys, pathlib; from flowdb.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).writer('ingest'):\n"
        "    print('holding', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", hold, db.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "holding\n"
    os.kill(writer.pid, signal.SIGSTOP)
    try:
        (db.path / "flowdb.duckdb").unlink()
        began = time.perf_counter()
        with flowdb.open(db.path) as other:
            assert other.sql("SELECT count(*) FROM flows").fetchall() == [(3,)]
        assert time.perf_counter() - began < 5
    finally:
        writer.kill()
        writer.communicate()


def test_what_is_told_of_a_store_is_of_one_moment(db: flowdb.FlowDB, tmp_path: Path) -> None:
    """The catalogue answers several questions with one commit between them, or it waits with the commit."""
    reading = Catalog(db.path / "catalog.sqlite")
    log = write_log(tmp_path / "b.log", [record(3)])
    ingest = [sys.executable, "-m", "flowdb", "ingest", str(log), "--store", str(db.path)]
    try:
        with reading.snapshot():
            before = reading.last_commit, reading.size_of_sources()[0]
            writer = subprocess.Popen(ingest, stderr=subprocess.DEVNULL)
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(4)
            assert (reading.last_commit, reading.size_of_sources()[0]) == before == (1, 1)
        assert writer.wait(60) == 0
        assert (reading.last_commit, reading.size_of_sources()[0]) == (2, 2)
    finally:
        reading.close()


def test_a_large_commit_keeps_nobody_waiting_before_it_is_made(
    db: flowdb.FlowDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def read(point: str) -> None:
        with closing(sqlite3.connect(db.path / "catalog.sqlite", timeout=0)) as other:
            seen.append(other.execute("SELECT count(*) FROM sources").fetchall())

    monkeypatch.setattr("flowdb.catalog.reached", read)
    with closing(Catalog(db.path / "catalog.sqlite")) as catalog:
        (source,), (commit,) = catalog.sources(), catalog.commits()
        many = [replace(source, source_id=n, uri=f"file:///{n}") for n in range(2, 20_002)]
        catalog.commit(replace(commit, commit_id=2), Change(sources=many))
        assert seen == [[(1,)]]
        assert catalog.size_of_sources()[0] == 20_001
